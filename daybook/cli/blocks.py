"""`daybook blocks`: make the Prefect blocks from environment variables."""

import importlib
import os
from collections.abc import Sequence

from daybook.orchestration.blocks import command
from daybook.orchestration.blocks.registry import declared_blocks


def main(arguments: Sequence[str] | None = None, prog: str = "daybook blocks") -> int:
    """Make the blocks that the environment asks for, and return the exit code of `command.run`."""
    # By its name: the wheel has daybook.blocks inside of this package, and a checkout has blocks/ beside it.
    declarations = declared_blocks(importlib.import_module("daybook.blocks"))
    command.parse_arguments(declarations, arguments, prog)
    return command.run(declarations, os.environ)
