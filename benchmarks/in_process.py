"""Load with Daybook in the benchmark's own process, without Prefect."""

from datetime import date
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Engine, NullPool, create_engine

from benchmarks.servers import Addresses
from daybook.definitions.table import Table
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from daybook.stage.folder import FolderStage
from daybook.warehouses.registry import open_warehouse


class Keys:
    """A connection provider that opens the source under every name."""

    def __init__(self, url: str) -> None:
        self._url = url

    def engine(self, name: str) -> Engine:
        """Return a new engine for the source."""
        return create_engine(self._url, poolclass=NullPool)

    def s3(self, name: str) -> NoReturn:
        """Refuse: the source is a database."""
        raise NotImplementedError

    google = s3


def described(name: str, source: str, strategy: str) -> Table:
    """Return the table `name`, loaded from the source's table `source` with a strategy."""
    return Table.model_validate(
        {
            "name": name,
            "description": "One answer a row.",
            "owner": "benchmarks",
            "source": {"kind": "database", "table": source},
            "key": ["id"],
            "cursor": "created_at",
            "interval": "day",
            "load": strategy,
        }
    )


def load_span(
    addresses: Addresses, table: Table, source: str, first: date, end: date | None = None
) -> dict[str, float]:
    """Load a day, or all days up to `end`, with a folder as the stage. Return the seconds of each leg."""
    target = open_warehouse(create_engine(addresses.warehouse, poolclass=NullPool))
    stage = FolderStage(Path(addresses.folder) / "stage")
    return dict(load(extract(plan(table, first, end), Keys(source), target, stage), target, stage).seconds)
