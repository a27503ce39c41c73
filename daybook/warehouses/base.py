"""The protocol of a warehouse: what a load, the ledger, a summary and an audit ask of the database that rows go to.

A warehouse is a class with these attributes and methods. A folder of `daybook/warehouses/` that is called as SQLAlchemy
calls the dialect names it `WAREHOUSE`; another package declares it as an entry point: see `registry`. Nothing else
is edited to add one. `SqlWarehouse` has what most warehouses share.

The statements of a load are SQL that the warehouses have in common, and the protocol does not ask for them: SELECT with
window functions, INSERT … SELECT, DELETE … USING, CREATE TEMP TABLE … AS, ALTER TABLE … ADD, DROP and RENAME. A
warehouse that writes one of them otherwise rewrites it in its session.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, Engine

from daybook.errors import DaybookError
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.sql.checksum.side import Hashing
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.warehouses.session import Session

#: `Warehouse.kind_of` returns it for a table.
TABLE = "a table"


class Warehouse(Protocol):
    """An opened warehouse. Tables are named `schema.table`; every failure of it is a `DatabaseError`."""

    #: What people call it: PostgreSQL, Redshift.
    title: ClassVar[str]
    #: How its URL looks, with each of SQLAlchemy's drivers that Daybook opens it with.
    urls: ClassVar[tuple[str, ...]]
    #: The keyword arguments that `open` takes in addition to the engine: they come from blocks.
    options: ClassVar[frozenset[str]]
    #: What sqlglot calls its dialect.
    sqlglot_dialect: ClassVar[str]
    #: Columns of every table that no catalogue lists, and functions that are called like a column.
    system_columns: ClassVar[frozenset[str]]
    #: Functions, in lower case, that return something else each time: they ask the clock, chance, or a sequence.
    volatile_functions: ClassVar[frozenset[str]]
    #: What it calls a column of a SELECT that has no name; None where each column gets a name of its own.
    unnamed_column: ClassVar[str | None]
    #: The longest name in bytes: it cuts a longer one without a warning.
    longest_name: ClassVar[int]
    #: Whether a new table can take the rows by itself, so that the first load needs no staging table.
    copies_into_new_tables: ClassVar[bool]
    #: The kinds of columns that it reads in a source's own files as they are; none where it reads no such files.
    reads_in_place: ClassVar[frozenset[str]]
    #: How its SQL writes the checksum of a row.
    hashing: ClassVar[Hashing]

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
            ExtraMissing: it has not; with the command that installs it.
        """
        ...

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile, without `schema` and `threads`.

        `password` is the expression by which dbt reads the password; the password of `url` stays out of the profile.

        Raises:
            DbtUnusable: dbt cannot connect to this warehouse, or as this URL asks for.
        """
        ...

    # --- connections

    def session(self) -> AbstractContextManager[Session]:
        """Open a connection in autocommit: transactions begin and end by statement. Times are in UTC."""
        ...

    def set_timeouts(self, seconds: int) -> None:
        """Let connections that are opened from now on fail when they or one of their statements take longer."""
        ...

    def set_timezone(self, session: Session, zone: str) -> None:
        """Show and compare instants (`timestamptz`) by the clock of an IANA zone from now on."""
        ...

    def waiting_at_most(self, session: Session, milliseconds: int) -> AbstractContextManager[None]:
        """Let a statement within the block fail that waits longer than this for another session."""
        ...

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction that excludes every other load of `table`: the other one waits, or has to be retried.

        Returns False if there is no such table; the transaction is open in both cases.
        """
        ...

    def begin_snapshot(self, session: Session, *, read_only: bool = False) -> None:
        """Open a transaction whose queries all show one moment."""
        ...

    # --- names and types

    def quote(self, *names: str) -> str:
        """Return names as a quoted, dotted identifier."""
        ...

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted, dotted identifier."""
        ...

    def folded(self, name: str) -> str:
        """Return a name as the catalogue keeps it."""
        ...

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        ...

    def spelled(self, type: Type) -> Type:
        """Return the type that a column of a new table gets for this one."""
        ...

    def csv_format(self) -> CsvFormat:
        """Return how values must look in the staged CSV."""
        ...

    # --- the catalogue

    def existing_columns(self, session: Session, table: str) -> Mapping[str, Column]:
        """Return the columns of a table by name, in its order; none if there is no such table.

        A session asks the catalogue once, until one of its statements changes a table: see `Session.remembered`.
        """
        ...

    def column_types(self, session: Session, table: str) -> Mapping[str, str]:
        """Return the columns of a table by name, in its order, with their types in the warehouse's own words."""
        ...

    def look_up(self, session: Session, tables: Iterable[str]) -> None:
        """Ask the catalogue for the columns of all these tables at once, so that the session knows them."""
        ...

    def exists(self, session: Session, table: str) -> bool:
        """Return True if there is such a table, by what the session knows."""
        ...

    def kind_of(self, session: Session, name: str) -> str | None:
        """Return what is called `name`: TABLE, "a view", or the like; None where nothing is."""
        ...

    def tables_beginning(self, session: Session, schema: str, start: str) -> list[str]:
        """Return the names, without the schema, of its tables that begin with `start`."""
        ...

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of whatever else is in their schemas, as column: type.

        A table that is missing is left out. One with no columns is there, and nobody knows which it has.
        """
        ...

    # --- tables

    def make_schema(self, session: Session, schema: str) -> None:
        """Make a schema where it is missing. Of several sessions at the same moment, some may be refused."""
        ...

    def create(self, session: Session, target: Target) -> None:
        """Make the schema and the table, without keys and indexes, in the open transaction."""
        ...

    def create_keys(self, session: Session, target: Target) -> None:
        """Add the key and an index on the cursor, where the warehouse has such things.

        Raises:
            DuplicateKey: two rows share a key, and the warehouse enforces it.
        """
        ...

    def create_staging(self, session: Session, target: Target, name: str) -> None:
        """Make an empty temporary table with the types of the target."""
        ...

    def analyze(self, session: Session, table: str) -> None:
        """Count what is in a table that was just filled, where the planner needs it."""
        ...

    def check(self, session: Session, target: Target, *, altered: Mapping[str, str] | None = None) -> None:
        """Compare the table with what is to be loaded, except the columns in `altered`, which the load itself changes.

        Raises:
            SchemaMismatch: they do not fit each other; with the statement that changes the table.
        """
        ...

    def add_column_sql(self, target: Target, column: Column) -> str:
        """Return the statement that adds a column to the table: nullable, and NULL in the rows that are there."""
        ...

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return what a person runs to give a column of the table another type, with the values that it has.

        `zone` is what a time without a zone means.
        """
        ...

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """Return the statements that give a column of an empty `table` (quoted) another type, in a transaction."""
        ...

    def widens_in_place(self, there: Type, wanted: Type) -> bool:
        """Return True if a column of the type `there` becomes one of the wider type `wanted` without rewriting rows."""
        ...

    # --- rows

    def reads_files(self, files: FilesInPlace) -> bool:
        """Return True if `copy` takes these files of a source: their format and compression."""
        ...

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Load every part of the manifest into the table `into`, and return how many rows the warehouse counted."""
        ...

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return what a failed copy means: table, the row's key, column, remedy; None where it is not about a value."""
        ...

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return a condition that is true where two rows differ in any bit; None where there is no such condition."""
        ...
