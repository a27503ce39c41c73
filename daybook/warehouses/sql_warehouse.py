"""The code that most warehouses share: quoting, the tables that a load creates, and their comparison with a source."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from sqlalchemy import Engine

from daybook.errors import SchemaMismatch, ValueRefused
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import TIMES, Column, Type, holds, parse_type
from daybook.stage.base import Stage
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.stage.parts import find_row
from daybook.warehouses.abilities import Abilities
from daybook.warehouses.alterations import SqlAlterations
from daybook.warehouses.connection_urls import ConnectionUrls
from daybook.warehouses.layouts import Layouts
from daybook.warehouses.lock_waits import LockWaits
from daybook.warehouses.remedies import remedy_for
from daybook.warehouses.session import Session

#: A column in the catalog: its name, its type as the warehouse calls it, and True if it is NOT NULL without a default.
Found = tuple[str, str, bool]


class SqlWarehouse(Abilities, ConnectionUrls, LockWaits, SqlAlterations, Layouts):
    """The base of a warehouse that quotes names with `"`. A subclass adds the catalog queries and the other methods."""

    title: ClassVar[str]
    longest_name: ClassVar[int]
    options: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def check_installed(cls) -> None:
        """Check that SQLAlchemy has the warehouse's dialect. By default, it is installed with Daybook."""

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    def quote(self, *names: str) -> str:
        """Return names as a quoted, dotted identifier. A percent sign is doubled, as statements have bind values."""
        return ".".join('"' + name.replace('"', '""').replace("%", "%%") + '"' for name in names)

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        return self.quote(*TableName.parse(name))

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        raise NotImplementedError

    def parsed(self, text: str) -> Type:
        """Return the type that the catalog calls `text`, or a native type if Daybook has no name for it."""
        try:
            return parse_type(text)
        except ValueError:
            return Type("native", native=text)

    def find_columns(self, session: Session, table: str) -> list[Found]:
        """Ask the catalog for the columns of a table, in its order; empty if the table does not exist."""
        raise NotImplementedError

    def existing_columns(self, session: Session, table: str) -> dict[str, Column]:
        """Return the columns of a table by name, in its order. NOT NULL with a default counts as nullable."""
        return {
            name: Column(name, self.parsed(text), not required) for name, text, required in self._found(session, table)
        }

    def column_types(self, session: Session, table: str) -> dict[str, str]:
        """Return the columns of a table by name, in its order, with the warehouse's own names of their types."""
        return {name: text for name, text, _ in self._found(session, table)}

    def _found(self, session: Session, table: str) -> list[Found]:
        return session.remembered(table, lambda: self.find_columns(session, table))

    def look_up(self, session: Session, tables: Iterable[str]) -> None:
        """Ask the catalog for the columns of these tables, one by one. A subclass may use one query for all."""
        for table in tables:
            self._found(session, table)

    def exists(self, session: Session, table: str) -> bool:
        """Return True if the table `schema.table` exists."""
        return bool(self._found(session, table))

    def identity(self, session: Session, table: str) -> str | None:
        """Return None: by default, a warehouse has no ID that a new table of the same name does not have."""
        return None

    def folded(self, name: str) -> str:
        """Return a name as the catalog keeps it."""
        return name

    def spelled(self, type: Type) -> Type:
        """Return the type of a new table's column, with no more fraction digits of a second than the source has."""
        spelled = self.parsed(self.type_sql(type))
        return replace(spelled, size=type.size) if spelled.kind in TIMES and type.kind in TIMES else spelled

    def analyze(self, session: Session, table: str) -> None:
        """Collect the statistics of a table that was just filled. By default, the planner does not need them."""

    def check(self, session: Session, target: Target, *, altered: Mapping[str, str] | None = None) -> None:
        """Check that the table can hold the rows of the target. Skip the columns in `altered`, which the load alters.

        Raises:
            SchemaMismatch: the warehouse cannot keep a name, a column is missing or would lose values, or a load
                writes nothing to a column that must not be NULL. The message has the statements that alter the table.
            TableFileError: the layout in the table file names a column that the table does not have.
        """
        self._check_names(target)
        self.check_layout(target.name, target.column_names, target.layouts)
        if not (existing := self.existing_columns(session, target.name)):
            return
        problems = []
        for column in target.columns:
            found, wanted = existing.get(self.folded(column.name)), self.type_sql(column.type)
            if column.name in (altered or ()):
                continue
            if found is None:
                problems.append(
                    f"it has no column {column.name!r}: {self.add_column_sql(target, column)} (or set on_new_column: "
                    "add in the table file)"
                )
            elif not holds(found.type, self.spelled(column.type)):
                problems.append(
                    f"its column {column.name!r} is {found.type}, which cannot hold all values of {wanted}: "
                    f"{self.retype_sql(session, target, found, column.type)}"
                )
        written = {self.folded(name) for name in target.column_names}
        problems += [
            f"its column {name!r} must not be NULL and has no default, but the load does not write it: "
            f"{self.allow_null_sql(session, target.name, name)}"
            for name, found in existing.items()
            if name not in written and not found.nullable
        ]
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems).replace("%%", "%")
            raise SchemaMismatch(
                f"{target.name} in the warehouse does not fit the current columns of the source:\n{lines}"
            )

    def _check_names(self, target: Target) -> None:
        folded: dict[str, str] = {}
        for name in (*TableName.parse(target.name), *target.column_names):
            size = len(name.encode())
            if size > self.longest_name:
                raise SchemaMismatch(
                    f"{target.name}: the name {name!r} has {size} bytes, and {self.title} truncates names to "
                    f"{self.longest_name}: create a view with a shorter name at the source, or remove it from columns:"
                )
        for name in target.column_names:
            other = folded.setdefault(self.folded(name), name)
            if other != name:
                raise SchemaMismatch(
                    f"{target.name}: {self.title} cannot tell the columns {other!r} and {name!r} apart: create a view "
                    "that renames one at the source, or remove it from columns:"
                )

    def make_schema(self, session: Session, schema: str) -> None:
        """Create a schema if it is missing."""
        session.run(f"CREATE SCHEMA IF NOT EXISTS {self.quote(schema)}")

    def create(self, session: Session, target: Target) -> None:
        """Create the schema, if it is missing, and the table, in the open transaction."""
        self.make_schema(session, TableName.parse(target.name).schema)
        columns = ", ".join(self.column_sql(target, column) for column in target.columns)
        session.run(f"CREATE TABLE {self.table(target.name)} ({columns}){self.table_options(target)}")

    def column_sql(self, target: Target, column: Column) -> str:
        """Return the definition of a column in the CREATE TABLE of a new table."""
        required = " NOT NULL" if column.name in target.key else ""
        return f"{self.quote(column.name)} {self.type_sql(column.type)}{required}"

    def table_options(self, target: Target) -> str:
        """Return the SQL after the columns in the CREATE TABLE of a new table."""
        return ""

    def create_keys(self, session: Session, target: Target) -> None:
        """Add the key and an index on the cursor. By default, the warehouse has no indexes."""

    def create_staging(self, session: Session, target: Target, name: str) -> None:
        """Create an empty temporary table `name` with the types that the target has or will have."""
        options = self.staging_options(target)
        if self.exists(session, target.name):
            rows = f"SELECT {', '.join(map(self.quote, target.column_names))} FROM {self.table(target.name)} LIMIT 0"
            session.run(f"CREATE TEMP TABLE {self.quote(name)}{options} AS {rows}")
            return
        columns = ", ".join(f"{self.quote(column.name)} {self.type_sql(column.type)}" for column in target.columns)
        session.run(f"CREATE TEMP TABLE {self.quote(name)} ({columns}){options}")

    def reads_files(self, files: FilesInPlace) -> bool:
        """Return True if COPY can read these files of a source. Most warehouses cannot."""
        return False

    def refused(
        self,
        reason: str,
        target: Target,
        stage: Stage,
        manifest: Manifest,
        line: int | None,
        part: str | None = None,
        column: str | None = None,
    ) -> ValueRefused:
        """Return the error for a value that the warehouse refuses. The key of its row is read from the stage.

        `line` is counted in `part`, or over all parts if that is None.
        """
        values = dict[str, str | None]()
        if line is not None:
            values = dict(zip(target.column_names, find_row(stage, manifest, line, part), strict=False))
        return self.value_refused(reason, target, values, line, column)

    def value_refused(
        self, reason: str, target: Target, values: Mapping[str, str | None], line: int | None, column: str | None
    ) -> ValueRefused:
        """Return the error for a value that the warehouse refuses. `values` are the known values of its row."""
        where, value = "", ""
        if values:
            shown: dict[str, object] = {name: values.get(name) for name in target.key} or {"line": line}
            where = ", row " + ", ".join(f"{name}={value}" for name, value in shown.items())
            suspects = (name for name, value in values.items() if set(value or "") & {"\0", "\ufffd"})
            column = column or next(suspects, None)
            value = values.get(column or "") or ""
        kind = next((one.type.kind for one in target.columns if one.name == column), None)
        free = column if column not in (*target.key, target.cursor and target.cursor.column) else None
        remedy = remedy_for(value, free, kind, too_long=self.too_long in reason)
        return ValueRefused(f"{target.name}{where}{f', column {column}' if column else ''}: {reason}. {remedy}")
