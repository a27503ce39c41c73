"""The two ends of a lifecycle command: the warehouse, and Prefect's server. Tests replace both."""

from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from daybook.cli.connections import project_blocks
from daybook.warehouses.base import Warehouse


class Ends(Protocol):
    """Opens the warehouse and a client of Prefect's server."""

    def warehouse(self) -> Warehouse:
        """Return the warehouse."""
        ...

    def server(self) -> AbstractContextManager[Any]:
        """Open a client of the server."""
        ...


class BlocksEnds:
    """The ends that the project's blocks and PREFECT_API_URL name."""

    def warehouse(self) -> Warehouse:
        """Return the warehouse of the block. Raises `ServerUnreachable` if the server does not answer."""
        return cast(Warehouse, project_blocks().warehouse())

    def server(self) -> AbstractContextManager[Any]:
        """Open a client of the server."""
        from daybook.orchestration.blocks.server import server  # imports Prefect

        return server()
