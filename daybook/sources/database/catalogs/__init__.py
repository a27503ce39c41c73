"""Read the catalog of a whole database: one module per reader, with the name of the reader's module.

Each has `open_catalog(connection)`, which returns a `daybook.sources.database.catalog.Catalog`. A database without such
a module can be loaded, and its tables can be described one at a time.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from daybook.errors import SourceError
from daybook.sources.base import ConnectionProvider
from daybook.sources.database import readers
from daybook.sources.database.catalog import Catalog
from daybook.sql.connection import connect

#: The limit of each query that reads rows.
QUERY_SECONDS = 2


@contextmanager
def open_catalog(keys: ConnectionProvider, block: str) -> Iterator[Catalog]:
    """Open a connection to the database of a block, yield its catalog, and close the connection.

    Raises:
        SourceError: Daybook cannot list the tables of this kind of database.
        DatabaseError: the database failed.
    """
    engine = keys.engine(block)
    reader = readers().get(engine.dialect.name)
    module = f"{__name__}.{reader.__name__.rpartition('.')[2]}" if reader else ""
    if not reader or not find_spec(module):
        raise SourceError(
            f"block {block!r} is a {engine.dialect.name} database, and Daybook cannot list its tables. If it can read "
            "them, describe one at a time: schema.table"
        )
    with connect(engine, reader.read_error) as connection:
        yield importlib.import_module(module).open_catalog(connection)


def has_catalog(keys: ConnectionProvider, block: str) -> bool:
    """Return True if `open_catalog` supports the database of a block."""
    reader = readers().get(keys.engine(block).dialect.name)
    return reader is not None and find_spec(f"{__name__}.{reader.__name__.rpartition('.')[2]}") is not None
