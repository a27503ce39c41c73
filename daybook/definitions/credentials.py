"""The credentials of a command that is typed: those of the project's blocks.

`daybook/` knows no blocks: whoever calls it brings the keys, and the flows do. A command of `daybook/` has no caller
that could, so it finds them by name, at the moment when it is typed.
"""

import importlib
from typing import Any, cast

from daybook.errors import NoBlocks
from daybook.sources.base import ConnectionProvider
from daybook.warehouses.base import Warehouse


def keys() -> ConnectionProvider:
    """The keys that `daybook/orchestration/blocks/open.py` gives out.

    Raises:
        NoBlocks: the package `blocks` is not there.
    """
    return cast(ConnectionProvider, _blocks())


def warehouse() -> Warehouse:
    """The warehouse that `daybook/orchestration/blocks/open.py` opens.

    Raises:
        NoBlocks: the package `blocks` is not there. BlocksError: a block is missing, or wrong.
    """
    return cast(Warehouse, _blocks().warehouse())


def _blocks() -> Any:
    try:
        return importlib.import_module("daybook.orchestration.blocks.open")
    except ModuleNotFoundError as error:
        raise NoBlocks(
            f"there is no module {error.name!r}: run the command in the project's folder, where blocks/ is, with the "
            "Python of the project"
        ) from None
