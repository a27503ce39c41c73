"""The command `python -m blocks`: save the blocks that the environment variables describe."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from daybook.errors import DaybookError
from daybook.orchestration.blocks.block_plan import BlockPlan, plan_blocks
from daybook.orchestration.blocks.declaration import BlockDeclaration
from daybook.orchestration.blocks.errors import EnvironmentRefused, NothingSet
from daybook.orchestration.server.require import require_server

_USAGE = """\
Make the Prefect blocks that flows read, from environment variables.

{table}

Percent-encode the user and the password in a URL: `@` is `%40`, `:` is `%3A`, `/` is `%2F`, `%` is `%25`.

With --target NAME, it makes the blocks of that target: `warehouse-dev` instead of `warehouse`.

Reruns are idempotent: the command creates a block, updates it, or leaves it unchanged. It does not touch a block whose
variable is not set. It refuses to put another host or database into a stored block, because every run would use that
database from then on; --force does it. It logs in to each database first, and refuses a wrong password; --no-check
skips that. If a value is wrong or missing, or if two values contradict each other, the command lists every problem and
saves nothing. Secrets are stored as Prefect secrets and never shown. Flows open blocks with
`daybook.orchestration.blocks.open`; they never read the environment.
"""


def run(
    declarations: Sequence[BlockDeclaration], environ: Mapping[str, str], *, force: bool = False, check: bool = False
) -> int:
    """Save the blocks that `environ` describes, and print the outcome of each. `force` is as in `save`.

    With `check`, log in to each database first, and save nothing if one refuses the login.

    Return the exit code: 0 for success, 1 if the environment or a login is refused, or no server answers, 2 if nothing
    is set. A database that this machine cannot reach is a note: the worker may reach it.
    """
    try:
        plan = plan_blocks(declarations, environ)
    except NothingSet as nothing:
        variables = [f"{one.name:<28} {block.makes}" for block in declarations for one in block.variables]
        print(f"{nothing}. Set some of:", *variables, sep="\n  ", file=sys.stderr)
        return 2
    except EnvironmentRefused as refused:
        print("Nothing was saved. Correct the environment:", *refused.problems, sep="\n  ", file=sys.stderr)
        return 1
    for note in plan.environment.notes:
        print(f"note: {note}")

    try:
        require_server()
        if check:
            _check_logins(plan)
        # Importing Prefect takes seconds, so mistakes are reported before that.
        from daybook.orchestration.blocks.save_blocks import save

        for outcome in save(plan, force=force):
            print(f"{outcome.block:<30} {outcome.action:<9}  {outcome.shown}", flush=True)
        return 0
    except EnvironmentRefused as refused:
        print("Nothing was saved:", *refused.problems, sep="\n  ", file=sys.stderr)
        return 1
    except DaybookError as error:
        print(error, file=sys.stderr)
        return 1


def _check_logins(plan: BlockPlan) -> None:
    """Log in to the databases of the plan, and print the notes. Raises `EnvironmentRefused` if one refuses."""
    from daybook.orchestration.blocks.database_url import check_logins  # imports SQLAlchemy

    databases = [one.database(plan.environment) for one in plan.wanted]
    problems, notes = check_logins(filter(None, databases))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if problems:
        raise EnvironmentRefused(problems)


def parse_arguments(
    declarations: Sequence[BlockDeclaration], arguments: Sequence[str] | None = None, prog: str = "python -m blocks"
) -> argparse.Namespace:
    """Return the options `force` and `no_check`. `--help` prints every declared block. Exits as `argparse` does."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=_USAGE.format(table=variables_table(declarations)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--force", action="store_true", help="put another database into a stored block")
    parser.add_argument("--no-check", action="store_true", help="save the blocks without a login to each database")
    return parser.parse_args(arguments)


def variables_table(declarations: Sequence[BlockDeclaration]) -> str:
    """Return a Markdown table of the declared blocks, with a row for each variable. The documentation has it, too."""
    rows = [
        f"| `{variable.name}` | {_code(declaration.makes)} | {variable.description} | {_examples(variable.examples)} |"
        for declaration in declarations
        for variable in declaration.variables
    ]
    return "\n".join(["| variable | block | what to write | example |", "|---|---|---|---|", *rows])


def _code(blocks: str) -> str:
    return " ".join(f"`{word}`" if "/" in word else word for word in blocks.split())


def _examples(examples: Sequence[str]) -> str:
    return " or ".join(f"`{example}`" for example in examples)
