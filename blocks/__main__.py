"""The command `python -m blocks`: save the declared blocks. `--help` lists the variables that it reads."""

import os
import sys
from collections.abc import Mapping

from daybook.orchestration.blocks import command
from daybook.orchestration.blocks.registry import declared_blocks

_PACKAGE = sys.modules[__package__ or ""]


def main(environ: Mapping[str, str], *, force: bool = False, check: bool = False) -> int:
    """Save the declared blocks that `environ` describes. Return the exit code of `command.run`."""
    return command.run(declared_blocks(_PACKAGE), environ, force=force, check=check)


if __name__ == "__main__":
    given = command.parse_arguments(declared_blocks(_PACKAGE))
    sys.exit(main(os.environ, force=given.force, check=not given.no_check))
