"""What PostgreSQL and Redshift have in common: how their catalogue is asked, and the tables that a load makes."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine

from daybook.errors import SchemaMismatch, ValueRefused
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import TIMES, Column, Type, holds, parse_type
from daybook.stage.base import Stage
from daybook.stage.manifest import Manifest
from daybook.stage.parts import find_row
from daybook.warehouses.session import Session, open_session

_ZERO_DATE = re.compile(r"\d{4}-(00-\d\d|\d\d-00)")
_ZERO_DATES_REMEDY = (
    "set zero_dates: null under source: in the table file to load them as NULL, or mend the value there"
)
_REMEDY = "Mend the value at the source, or declare another type for the column under columns: in the table file"


class SqlWarehouse:
    """The base of the warehouses that speak PostgreSQL's protocol and share its catalogue."""

    dialect: str
    #: The longest identifier in bytes: a longer one would be cut in silence.
    longest_name: int
    #: A condition on `pg_attribute a`: the warehouse fills the column where nothing is written to it.
    filled = "a.atthasdef"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection of its own, in autocommit, whose clock shows UTC."""
        with open_session(self._engine) as session:
            session.run("SET TimeZone TO 'UTC'")
            session.run("SET DateStyle TO 'ISO, MDY'")
            yield session

    def quote(self, *names: str) -> str:
        """Names as a quoted, dotted identifier; a percent sign is doubled, because values are bound around it."""
        return ".".join('"' + name.replace('"', '""').replace("%", "%%") + '"' for name in names)

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        return self.quote(*TableName.parse(name))

    def type_sql(self, type: Type) -> str:
        """A type as this warehouse spells it."""
        raise NotImplementedError

    def existing_columns(self, session: Session, table: str) -> dict[str, Column]:
        """The columns of a table in the warehouse by name, in its order; none if there is no such table.

        One that is never NULL because the warehouse itself fills it counts as nullable.
        """
        return {name: Column(name, _parsed(text), not required) for name, text, required in self._found(session, table)}

    def column_types(self, session: Session, table: str) -> dict[str, str]:
        """The columns of a table by name, in its order, with their types in the warehouse's own words."""
        return {name: text for name, text, _ in self._found(session, table)}

    def _found(self, session: Session, table: str) -> list[tuple[str, str, bool]]:
        schema, name = TableName.parse(table)
        return session.rows(
            f"SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT ({self.filled}) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (self.folded(schema), self.folded(name)),
        )

    def exists(self, session: Session, table: str) -> bool:
        """Whether there is a table `schema.table`."""
        return bool(self.existing_columns(session, table))

    def folded(self, name: str) -> str:
        """A name as the catalogue keeps it."""
        return name

    def spelled(self, type: Type) -> Type:
        """The type that a column of a new table gets, with no more digits of a second than the source has."""
        spelled = _parsed(self.type_sql(type))
        return replace(spelled, size=type.size) if spelled.kind in TIMES and type.kind in TIMES else spelled

    def add_column_sql(self, target: Target, column: Column) -> str:
        """The statement that adds a column."""
        return (
            f"ALTER TABLE {self.table(target.name)} ADD COLUMN {self.quote(column.name)} {self.type_sql(column.type)}"
        )

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """The statement that gives a column another type, without a word of how its values become that."""
        return (
            f"ALTER TABLE {self.table(target.name)} ALTER COLUMN {self.quote(column.name)} TYPE {self.type_sql(type)}"
        )

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """The statements that give a column of an empty `table` (quoted) another type, within a transaction."""
        name = self.quote(column)
        return [f"ALTER TABLE {table} DROP COLUMN {name}", f"ALTER TABLE {table} ADD COLUMN {name} {type}"]

    def analyze(self, session: Session, table: str) -> None:
        """Count what is in a table (`schema.table`) that was just filled, where the planner needs to be told."""

    def check(self, session: Session, target: Target, *, mended: Mapping[str, str] | None = None) -> None:
        """Compare the table with what is to be loaded, except for the columns that the load itself makes fit.

        Raises:
            SchemaMismatch: a name that the warehouse cannot keep; a column that is missing or would lose values; a
                column that nothing is written to although it must not be NULL. Each with the statement that mends it.
        """
        self._check_names(target)
        existing = self.existing_columns(session, target.name)
        if not existing:
            return
        problems = []
        for column in target.columns:
            found, wanted = existing.get(self.folded(column.name)), self.type_sql(column.type)
            if column.name in (mended or ()):
                continue
            if found is None:
                problems.append(
                    f"it has no column {column.name!r}: {self.add_column_sql(target, column)} (or set on_new_column: "
                    "add in the table file)"
                )
            elif not holds(found.type, self.spelled(column.type)):
                problems.append(
                    f"its column {column.name!r} is {found.type} and {wanted} would not arrive whole: "
                    f"{self.retype_sql(target, found, column.type)}"
                )
        written = {self.folded(name) for name in target.column_names}
        problems += [
            f"its column {name!r} must not be NULL, has no default, and nothing is written to it: ALTER TABLE "
            f"{self.table(target.name)} ALTER COLUMN {self.quote(name)} DROP NOT NULL"
            for name, found in existing.items()
            if name not in written and not found.nullable
        ]
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems).replace("%%", "%")
            raise SchemaMismatch(f"{target.name} in the warehouse does not fit what the source has now:\n{lines}")

    def _check_names(self, target: Target) -> None:
        folded: dict[str, str] = {}
        for name in (*TableName.parse(target.name), *target.column_names):
            size = len(name.encode())
            if size > self.longest_name:
                raise SchemaMismatch(
                    f"{target.name}: the name {name!r} has {size} bytes, and {self.dialect} cuts names at "
                    f"{self.longest_name}: give the source a view with a shorter name, or leave it out of `columns:`"
                )
        for name in target.column_names:
            other = folded.setdefault(self.folded(name), name)
            if other != name:
                raise SchemaMismatch(
                    f"{target.name}: {self.dialect} cannot tell the columns {other!r} and {name!r} apart: give the "
                    "source a view that renames one, or leave it out of `columns:`"
                )

    def make_schema(self, session: Session, schema: str) -> None:
        """Make a schema where it is missing: who may make none is refused even IF NOT EXISTS, though it is there."""
        if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.folded(schema),)):
            session.run(f"CREATE SCHEMA IF NOT EXISTS {self.quote(schema)}")

    def create(self, session: Session, target: Target) -> None:
        """Make the schema, if it is missing, and the table."""
        self.make_schema(session, TableName.parse(target.name).schema)
        required = {*target.key}
        columns = ", ".join(
            f"{self.quote(column.name)} {self.type_sql(column.type)}{' NOT NULL' if column.name in required else ''}"
            for column in target.columns
        )
        session.run(f"CREATE TABLE {self.table(target.name)} ({columns}){self.table_options(target)}")

    def table_options(self, target: Target) -> str:
        """What stands behind the columns of a new table."""
        return ""

    def create_keys(self, session: Session, target: Target) -> None:
        """Add the key and an index on the cursor: nothing, where a warehouse has no indexes."""

    def create_staging(self, session: Session, target: Target, name: str) -> None:
        """Make an empty temporary table `name` with the types that the target has, or will have."""
        if self.exists(session, target.name):
            names = ", ".join(self.quote(name) for name in target.column_names)
            session.run(
                f"CREATE TEMP TABLE {self.quote(name)} AS SELECT {names} FROM {self.table(target.name)} LIMIT 0"
            )
            return
        columns = ", ".join(f"{self.quote(column.name)} {self.type_sql(column.type)}" for column in target.columns)
        session.run(f"CREATE TEMP TABLE {self.quote(name)} ({columns})")

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
        """The error for a value that the warehouse does not take, with the key of its row read off the stage."""
        where, remedy, values = "", _REMEDY, dict[str, str]()
        if line is not None:
            record = find_row(stage, manifest, line, part)
            values = dict(zip(target.column_names, record, strict=False))
            shown: dict[str, object] = {name: values.get(name) for name in target.key} or {"line": line}
            where = ", row " + ", ".join(f"{name}={value}" for name, value in shown.items())
            column = column or next((name for name, value in values.items() if "\0" in value), None)
            value = values.get(column or "", "")
            if _ZERO_DATE.match(value):
                remedy = f"{value} is one of MySQL's zero dates, which are no dates: {_ZERO_DATES_REMEDY}"
        return ValueRefused(f"{target.name}{where}{f', column {column}' if column else ''}: {reason}. {remedy}")


def _parsed(text: str) -> Type:
    try:
        return parse_type(text)
    except ValueError:
        return Type("native", native=text)


def resized(type: Type, factor: int, limit: int) -> Type:
    """A text type whose size is counted in other units, up to a limit."""
    return replace(type, size=min((type.size or limit) * factor, limit))
