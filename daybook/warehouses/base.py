"""Where rows go: one protocol, and one module a warehouse, named as SQLAlchemy names its dialect."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from daybook.errors import DaybookError
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import Manifest
from daybook.warehouses.session import Session


class Warehouse(Protocol):
    """What a load asks of a warehouse. SQL that the warehouses have in common is not asked of them."""

    #: Whether a new table can take the rows by itself, so that no staging table is needed for the first load.
    copies_into_new_tables: bool
    #: The kinds of columns that it reads off a source's own files as they are; none, where it reads no such files.
    reads_in_place: frozenset[str]
    #: What people call it: PostgreSQL, Redshift.
    dialect: str
    #: The longest name in bytes: a longer one would be cut in silence.
    longest_name: int

    def session(self) -> AbstractContextManager[Session]:
        """A connection of its own, in autocommit: transactions begin and end by statement. Times are in UTC."""
        ...

    def csv_format(self) -> CsvFormat:
        """How values must look in the staged CSV."""
        ...

    def quote(self, *names: str) -> str:
        """Names as a quoted, dotted identifier."""
        ...

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        ...

    def exists(self, session: Session, table: str) -> bool:
        """Whether there is a table `schema.table`."""
        ...

    def existing_columns(self, session: Session, table: str) -> dict[str, Column]:
        """The columns of a table in the warehouse by name, in its order; none if there is no such table."""
        ...

    def type_sql(self, type: Type) -> str:
        """A type as this warehouse spells it."""
        ...

    def column_types(self, session: Session, table: str) -> dict[str, str]:
        """The columns of a table by name, in its order, with their types in the warehouse's own words."""
        ...

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """The statements that give a column of an empty `table` (quoted) another type, within a transaction."""
        ...

    def analyze(self, session: Session, table: str) -> None:
        """Count what is in a table (`schema.table`) that was just filled, where the planner needs to be told."""
        ...

    def check(self, session: Session, target: Target, *, mended: Mapping[str, str] | None = None) -> None:
        """Compare the table with what is to be loaded. Raises SchemaMismatch with the statement that mends it.

        The columns in `mended` are not looked at: the load makes them fit, before it takes a row.
        """
        ...

    def folded(self, name: str) -> str:
        """A name as the catalogue keeps it."""
        ...

    def spelled(self, type: Type) -> Type:
        """The type that a column of a new table gets for this one."""
        ...

    def add_column_sql(self, target: Target, column: Column) -> str:
        """The statement that adds a column to the table: nullable, and NULL in the rows that are there."""
        ...

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """What a person runs to make a column, which the table has, that of another type with the values it has.

        `zone` is what a time without a zone means.
        """
        ...

    def widens_in_place(self, there: Type, wanted: Type) -> bool:
        """Whether a column of the type `there` becomes one of the wider type `wanted` without writing any row anew."""
        ...

    def lock_sql(self, table: str) -> str:
        """The statement that makes every other load of `table` wait until the transaction ends."""
        ...

    def make_schema(self, session: Session, schema: str) -> None:
        """Make a schema where it is missing. Of several who want to at the same moment, some may be refused."""
        ...

    def create(self, session: Session, target: Target) -> None:
        """Make the schema and the table, without keys and indexes, in the transaction that is open."""
        ...

    def create_keys(self, session: Session, target: Target) -> None:
        """Add the key and an index on the cursor, where the warehouse has such things."""
        ...

    def create_staging(self, session: Session, target: Target, name: str) -> None:
        """Make an empty temporary table with the types of the target."""
        ...

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Load every part of the manifest into the table `into`, and return how many rows the warehouse says landed."""
        ...

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """What a failed copy means: table, the row's key, column, remedy. None where it is not about a value."""
        ...

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """A condition that is true where two rows differ in any bit; None where there is no such thing."""
        ...
