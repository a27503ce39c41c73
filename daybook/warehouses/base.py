"""The protocol of a warehouse: the operations that loads, the ledger, summaries and audits need of its database.

To add a warehouse, write a class with these attributes and methods. Put it into a folder of `daybook/warehouses/` that
has SQLAlchemy's name of the dialect, and assign the class to `WAREHOUSE` there. Another package declares its class as
an entry point: see `registry`. No other file changes. `SqlWarehouse` has the code that most warehouses share.
`LockWaits` has the methods about locks, `ConnectionUrls` those about URLs, `Alterations` those that change a table's
columns, `Layouts` those about the place of its rows, and `Abilities` what a warehouse may leave out.

A load also uses SQL that all warehouses share: SELECT with window functions, INSERT … SELECT, DELETE … USING, CREATE
TEMP TABLE … AS, ALTER TABLE … ADD, DROP and RENAME. A warehouse with another syntax rewrites it in its session.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from sqlalchemy import Engine

from daybook.errors import DaybookError
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.sql.checksum.side import Hashing
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.warehouses.abilities import Abilities
from daybook.warehouses.alterations import Alterations
from daybook.warehouses.connection_urls import ConnectionUrls
from daybook.warehouses.layouts import Layouts
from daybook.warehouses.lock_waits import LockWaits
from daybook.warehouses.session import Session

#: `Warehouse.kind_of` returns it for a table.
TABLE = "a table"


class Warehouse(Abilities, ConnectionUrls, LockWaits, Alterations, Layouts, Protocol):
    """An opened warehouse. Tables are named `schema.table`. Every failure of the database is a `DatabaseError`."""

    #: The name for people: PostgreSQL, Redshift.
    title: ClassVar[str]
    #: The keyword arguments that `open` takes in addition to the engine. Their values come from blocks.
    options: ClassVar[frozenset[str]]
    #: The maximum length of a name, in bytes. The warehouse truncates longer names without a warning.
    longest_name: ClassVar[int]
    #: The SQL of row hashes.
    hashing: ClassVar[Hashing]

    @property
    def sqlglot_dialect(self) -> str:
        """Return sqlglot's name of the dialect, with its settings: https://sqlglot.com/sqlglot/dialects.html"""
        ...

    @classmethod
    def open(cls, engine: Engine, **options: Any) -> "Warehouse":
        """Return the warehouse behind `engine`.

        Raises:
            WarehouseError: an option is missing.
        """
        ...

    @classmethod
    def check_installed(cls) -> None:
        """Check that SQLAlchemy has the warehouse's dialect.

        Raises:
            ExtraMissing: the dialect is not installed. The message has the command that installs it.
        """
        ...

    # --- connections

    def session(self) -> AbstractContextManager[Session]:
        """Open a connection in autocommit: transactions begin and end with statements. The session's zone is UTC."""
        ...

    def set_timeouts(self, seconds: int) -> None:
        """Limit the time to connect, and the time of each statement, for connections that are opened from now on."""
        ...

    def set_timezone(self, session: Session, zone: str) -> None:
        """Set the session's time zone to an IANA zone: it shows and compares instants (`timestamptz`) in that zone."""
        ...

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction that excludes every other load of `table`: the other one waits, or must be retried.

        Returns False if the table does not exist. The transaction is open in both cases.
        """
        ...

    def begin_snapshot(self, session: Session, reads: str, *, read_only: bool = False) -> None:
        """Open a transaction whose queries all read one snapshot of `reads`, a FROM item (SQL)."""
        ...

    # --- names and types

    def quote(self, *names: str) -> str:
        """Return names as a quoted, dotted identifier."""
        ...

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted, dotted identifier."""
        ...

    def folded(self, name: str) -> str:
        """Return a name as the catalog keeps it."""
        ...

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        ...

    def spelled(self, type: Type) -> Type:
        """Return the type of a new table's column for a column of this type, as the catalog reports it."""
        ...

    def csv_format(self) -> CsvFormat:
        """Return the format of values in the staged CSV."""
        ...

    # --- the catalog

    def existing_columns(self, session: Session, table: str) -> Mapping[str, Column]:
        """Return the columns of a table by name, in its order; empty if the table does not exist.

        A session asks the catalog once, until one of its statements changes a table: see `Session.remembered`.
        """
        ...

    def column_types(self, session: Session, table: str) -> Mapping[str, str]:
        """Return the columns of a table by name, in its order, with the warehouse's own names of their types."""
        ...

    def look_up(self, session: Session, tables: Iterable[str]) -> None:
        """Ask the catalog for the columns of all these tables at once, and cache them in the session."""
        ...

    def exists(self, session: Session, table: str) -> bool:
        """Return True if the table exists. A cached answer of the session counts: see `Session.remembered`."""
        ...

    def kind_of(self, session: Session, name: str) -> str | None:
        """Return the kind of the object `name`: TABLE, "a view", or the like; None if there is no such object."""
        ...

    def identity(self, session: Session, table: str) -> str | None:
        """Return an ID (64 characters) that no other table of this name will have; None if there is none."""
        ...

    def tables_beginning(self, session: Session, schema: str, start: str) -> list[str]:
        """Return the names, without the schema, of the tables in `schema` that begin with `start`."""
        ...

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of all other tables in their schemas: table, then column, then type.

        The result lacks tables that do not exist. A table without columns exists, but its columns are unknown.
        """
        ...

    # --- tables

    def make_schema(self, session: Session, schema: str) -> None:
        """Create a schema if it is missing. If several sessions do so at the same moment, some may fail."""
        ...

    def create(self, session: Session, target: Target) -> None:
        """Create the schema and the table, without keys and indexes, in the open transaction."""
        ...

    def create_keys(self, session: Session, target: Target) -> None:
        """Add the key and an index on the cursor, if the warehouse supports them.

        Raises:
            DuplicateKey: two rows share a key, and the warehouse enforces it.
        """
        ...

    def create_staging(self, session: Session, target: Target, name: str) -> None:
        """Create an empty temporary table with the types of the target."""
        ...

    def analyze(self, session: Session, table: str) -> None:
        """Collect the statistics of a table that was just filled, if the planner needs them."""
        ...

    def check(self, session: Session, target: Target, *, altered: Mapping[str, str] | None = None) -> None:
        """Check that the table can hold the rows of the target. Skip the columns in `altered`, which the load alters.

        Raises:
            SchemaMismatch: the table does not fit. The message has the statements that alter it.
            TableFileError: the layout in the table file names a column that the table does not have.
        """
        ...

    # --- rows

    def reads_files(self, files: FilesInPlace) -> bool:
        """Return True if `copy` can read these files of a source: their format and compression."""
        ...

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Load all parts of the manifest into the table `into` (quoted). Return the warehouse's own row count."""
        ...

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return the error for a failed copy, with table, key, column and remedy. None: no value caused it."""
        ...

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return a condition that is true if two rows differ in any bit, or None if there is no exact comparison."""
        ...
