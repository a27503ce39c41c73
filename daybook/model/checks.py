"""The checks of a table file: a query with its expected result, or a named check such as `unique`."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from daybook.model.bounds import Bounds, comparable, shown
from daybook.yaml_model import Strict

#: The parts of a statement that contain no keywords: string literals, quoted names, comments.
_NOT_KEYWORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge|into)\b", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_AGE = re.compile(r"\s*(\d+)\s*(hour|day|week)s?\s*")


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _one_select(sql: str) -> str:
    """Return `sql` without its last semicolon. Raise ValueError if it is not one SELECT.

    A check runs inside the transaction of a load, which a second statement could end.
    """
    sql = sql.strip().removesuffix(";").rstrip()
    keywords = _NOT_KEYWORDS.sub(" ", sql)
    if not _READS.match(keywords):
        raise ValueError("a check is one SELECT: start it with select or with")
    if ";" in sql:
        raise ValueError(
            "a check is one SELECT without ';': put each statement into its own check; in a string, write chr(59)"
        )
    if found := _WRITES.search(keywords):
        raise ValueError(f"a check only reads: remove {found[0]}; if it is the name of a column, quote it")
    return sql


def _percent(value: Any) -> Any:
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("expected a percentage, such as 20%")
    return Decimal(found[1])


def _age(value: Any) -> Any:
    found = _AGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("expected a number of hours, days or weeks, such as 2 days")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _value(value: Any) -> Any:
    if not isinstance(value, str) and comparable(value) is None:
        raise ValueError(
            "expected a string, number, date, true or false; NULL always passes: to refuse it, use not_null"
        )
    return value


def _dotted(value: str, parts: tuple[str, ...]) -> str:
    if [bool(part) for part in value.split(".")] != [True] * len(parts):
        raise ValueError(f"expected {'.'.join(parts)}")
    return value


_NAMES: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_more), WithJsonSchema(_NAMES)]
Columns = Annotated[Names, Field(min_length=1)]
Sql = Annotated[str, AfterValidator(_one_select)]
Percent = Annotated[Decimal, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": "%$"})]
Age = Annotated[timedelta, BeforeValidator(_age), WithJsonSchema({"type": "string", "pattern": "(hour|day|week)s?$"})]
TableReference = Annotated[str, AfterValidator(lambda value: _dotted(value, ("schema", "table")))]
ColumnReference = Annotated[str, AfterValidator(lambda value: _dotted(value, ("schema", "table", "column")))]
Value = Annotated[Any, BeforeValidator(_value), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class AcceptedValues(Strict):
    """A column and its accepted values. NULL passes."""

    column: str = Field(description="The column.")
    values: tuple[Value, ...] = Field(min_length=1, description="The accepted values. NULL passes.")


class Relationship(Strict):
    """A column whose values must all exist in a column of another table. NULL passes."""

    column: str = Field(description="The column.")
    to: ColumnReference = Field(description="The column that must contain each value: schema.table.column.")


class Fresh(Strict):
    """A column of dates or times, and the maximum age of its newest value.

    A time without a zone is in UTC. A date means its midnight.
    """

    column: str = Field(description="The column.")
    within: Age = Field(description="The maximum age of the newest value: 2 days.")


class Check(Bounds):
    """One check: a query with its expected result, or a named check. `{table}` in SQL stands for the table's name."""

    sql: Sql | None = Field(
        None,
        description="One SELECT that returns one value. Give the expected value as equals, at_least, at_most, between "
        "or change_within. {table} stands for the name of the table.",
    )
    change_within: Percent | None = Field(
        None,
        description="The maximum change of the value of sql by one load or build: 20%. Without sql, of the row count.",
    )
    unique: Columns | None = Field(None, description="Columns whose combination of values is unique in the table.")
    not_null: Columns | None = Field(None, description="Columns that are never NULL.")
    accepted_values: AcceptedValues | None = Field(None, description="A column and its accepted values.")
    relationship: Relationship | None = Field(
        None, description="A column, and the column of another table that must contain each of its values."
    )
    row_count: Bounds | None = Field(None, description="The expected row count.")
    fresh: Fresh | None = Field(None, description="A date or time column, and the maximum age of its newest value.")
    severity: Literal["fail", "warn"] = Field(
        "fail", description="What a failed check does. fail: roll back the load or build. warn: only log a warning."
    )
    table: TableReference | None = Field(None, description="The table to check. Default: the table of this file.")

    @model_validator(mode="after")
    def _is_one(self) -> "Check":
        kinds = [name for name in _KINDS if getattr(self, name) is not None]
        if kinds == ["sql", "change_within"]:
            kinds = ["sql"]
        if len(kinds) != 1:
            raise ValueError(
                f"{' and '.join(kinds)} are {len(kinds)} checks: give each its own entry"
                if kinds
                else f"nothing to check: add one of {', '.join(_KINDS)}"
            )
        expected = [*self.bounds_given, *(["change_within"] if self.change_within is not None else [])]
        if self.sql is not None and len(expected) != 1 and expected != ["at_least", "at_most"]:
            raise ValueError(
                "sql needs an expected value: add equals, at_least or at_most, between, or change_within"
                + (f", and only one of them (not {' and '.join(expected)})" if expected else "")
            )
        if self.sql is None and self.bounds_given:
            raise ValueError(f"{self.bounds_given[0]} needs sql, or goes inside row_count: {{…}}; not with {kinds[0]}")
        if self.row_count is not None and not self.row_count.bounds_given:
            raise ValueError("row_count needs an expected number: add equals, at_least, at_most or between")
        if self.table and self.sql is not None and "{table}" not in self.sql:
            raise ValueError(
                "table replaces {table} in the sql, but the sql has no {table}: remove table, or add {table} to the sql"
            )
        if self.change_within is not None and not self.of_own_table:
            raise ValueError(
                "change_within compares {table} before the load or build with {table} after it: "
                + ("remove table" if self.table else "write {table} in the sql")
            )
        return self

    @property
    def kind(self) -> str:
        """Return the kind of the check: `sql`, `unique`, …"""
        return next(name for name in _KINDS if getattr(self, name) is not None)

    @property
    def asked(self) -> str:
        """Return the check as one line: its SQL, or its name and columns, such as `unique: user_id, date`."""
        if self.sql is not None:
            return " ".join(self.sql.split())
        columns = ", ".join(self.unique or self.not_null or ())
        if self.accepted_values is not None:
            columns = f"{self.accepted_values.column} is {', '.join(map(shown, self.accepted_values.values))}"
        elif self.relationship is not None:
            columns = f"{self.relationship.column} is in {self.relationship.to}"
        elif self.fresh is not None:
            columns = self.fresh.column
        return ": ".join(filter(None, [self.kind, columns])) + (f" of {self.table}" if self.table else "")

    @property
    def of_own_table(self) -> bool:
        """Return True if the check reads the table of its own file. A query reads it as `{table}`."""
        return self.table is None and (self.sql is None or "{table}" in self.sql)

    def bounds(self, before: Any = None) -> Bounds | None:
        """Return the bounds that the result of the query must meet now, or None if every result passes.

        `before` is the result of the query before the load or build. If it is 0 or not a number, `change_within` cannot
        compute a percentage, and every result passes.
        """
        if self.change_within is not None:
            return _within(self.change_within, before)
        if self.fresh is not None:
            return Bounds(at_least=datetime.now(UTC) - self.fresh.within)
        return self if self.sql is not None else self.row_count or Bounds(equals=0)

    def expected(self, bounds: Bounds | None, before: Any = None) -> str:
        """Return the expected result as text: `bounds`, and their origin. `before` is as in `bounds()`."""
        if bounds is None:
            return "anything"
        if self.change_within is not None:
            return f"{bounds.expectation} ({shown(before)} before, and a change within {shown(self.change_within)}%)"
        if self.fresh is not None:
            return f"{bounds.expectation} (no older than {_spelled(self.fresh.within)})"
        return bounds.expectation


_KINDS = ("sql", "unique", "not_null", "accepted_values", "relationship", "row_count", "fresh", "change_within")


def _within(percent: Decimal, before: Any) -> Bounds | None:
    was = comparable(before)
    if not isinstance(was, Decimal) or not was or not was.is_finite():
        return None
    with localcontext(prec=100):  # more digits than any column has, so that 0% allows no change at all
        room = abs(was) * percent / 100
        return Bounds(between=(was - room, was + room))


def _spelled(age: timedelta) -> str:
    hours = int(age.total_seconds()) // 3600
    number, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number} {unit}{'s' * (number != 1)}"
