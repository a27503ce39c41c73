"""`python -m blocks`: makes the blocks that the environment asks for. What it reads: `python -m blocks --help`."""

import argparse
import os
import sys
from collections.abc import Mapping

import blocks
from daybook.orchestration.blocks import environment
from daybook.orchestration.blocks.errors import BlocksError, EnvironmentRefused, NothingSet


def main(environ: Mapping[str, str]) -> int:
    """Make the blocks, and say what was done about each.

    Returns the exit code: 0 done, 1 refused or no server, 2 nothing set.
    """
    try:
        plan = environment.read(environ)
    except NothingSet as nothing:
        print(f"{nothing}. Set some of:", *_variables(), sep="\n  ", file=sys.stderr)
        return 2
    except EnvironmentRefused as refused:
        print("Nothing was saved. Correct the environment:", *refused.problems, sep="\n  ", file=sys.stderr)
        return 1
    for note in plan.notes:
        print(f"note: {note}")

    from daybook.orchestration.blocks.save_blocks import (
        save,  # Prefect takes seconds to import; a mistake is told before that
    )

    try:
        for outcome in save(plan):
            print(f"{outcome.block:<30} {outcome.action:<9}  {outcome.holds}", flush=True)
    except BlocksError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _variables() -> list[str]:
    return [f"{variable:<28} {block}" for variable, block in environment.VARIABLES.items()]


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m blocks", description=blocks.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    sys.exit(main(os.environ))
