"""`daybook blocks`: create or update the Prefect blocks from environment variables."""

import importlib
import os
from collections.abc import Sequence

from daybook.orchestration.blocks import command
from daybook.orchestration.blocks.registry import declared_blocks


def main(arguments: Sequence[str] | None = None, prog: str = "daybook blocks") -> int:
    """Create the blocks whose environment variables are set, and return the exit code of `command.run`."""
    # Imported by name: in the wheel it is a part of this package, in a checkout it is the folder blocks/.
    declarations = declared_blocks(importlib.import_module("daybook.blocks"))
    given = command.parse_arguments(declarations, arguments, prog)
    return command.run(declarations, os.environ, force=given.force, check=not given.no_check)
