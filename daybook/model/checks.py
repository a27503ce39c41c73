"""What must hold in a table, as its file says: a query and what it must return, or a check that has a name."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from daybook.model.bounds import Bounds, comparable, shown
from daybook.model.yaml_model import Strict

#: What is no part of a statement's words: texts, quoted names, comments.
_NO_WORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge|into)\b", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_AGE = re.compile(r"\s*(\d+)\s*(hour|day|week)s?\s*")


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _one_select(sql: str) -> str:
    """A check runs inside the transaction of a load: a second statement could end it."""
    sql = sql.strip().removesuffix(";").rstrip()
    words = _NO_WORDS.sub(" ", sql)
    if not _READS.match(words):
        raise ValueError("a check is one SELECT: begin with select or with")
    if ";" in sql:
        raise ValueError(
            "a check is one SELECT, without a ';': give others an entry of their own; in a text, write chr(59)"
        )
    if found := _WRITES.search(words):
        raise ValueError(f"a check reads and never writes: leave out {found[0]} (as the name of a column, quote it)")
    return sql


def _percent(value: Any) -> Any:
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a percentage: 20%")
    return Decimal(found[1])


def _age(value: Any) -> Any:
    found = _AGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a number of hours, days or weeks: 2 days")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _value(value: Any) -> Any:
    if not isinstance(value, str) and comparable(value) is None:
        raise ValueError("give texts, numbers, dates, or true and false; NULL is never looked at (not_null does that)")
    return value


def _dotted(value: str, parts: tuple[str, ...]) -> str:
    if [bool(part) for part in value.split(".")] != [True] * len(parts):
        raise ValueError(f"write {'.'.join(parts)}")
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
    """A column whose values are all known. NULL is not looked at."""

    column: str = Field(description="The column.")
    values: tuple[Value, ...] = Field(min_length=1, description="Every value that may stand in it, besides NULL.")


class Relationship(Strict):
    """A column whose values all stand in a column of another table. NULL is not looked at."""

    column: str = Field(description="The column.")
    to: ColumnReference = Field(description="Where each of its values must be: schema.table.column.")


class Fresh(Strict):
    """A column of dates or times (in UTC, where they have no zone) whose newest is not old. A date is its midnight."""

    column: str = Field(description="The column.")
    within: Age = Field(description="How old its newest value may be: 2 days.")


class Check(Bounds):
    """One thing that must hold: what a query returns, or a check that has a name. `{table}` is the table's own name."""

    sql: Sql | None = Field(
        None,
        description="One SELECT of one value, with equals, at_least, at_most, between or change_within beside it; "
        "{table} stands for the table.",
    )
    change_within: Percent | None = Field(
        None, description="By how much it, or without sql the number of rows, may change by one load or build: 20%."
    )
    unique: Columns | None = Field(None, description="Columns whose values, taken together, no two rows share.")
    not_null: Columns | None = Field(None, description="Columns that are never NULL.")
    accepted_values: AcceptedValues | None = Field(None, description="A column, and every value that it may have.")
    relationship: Relationship | None = Field(None, description="A column, and where each of its values must be.")
    row_count: Bounds | None = Field(None, description="How many rows there must be.")
    fresh: Fresh | None = Field(None, description="A column of dates or times, and how old its newest may be.")
    severity: Literal["fail", "warn"] = Field("fail", description="fail: nothing is committed. warn: it is told.")
    table: TableReference | None = Field(None, description="The table that is looked at, where that is another one.")

    @model_validator(mode="after")
    def _is_one(self) -> "Check":
        kinds = [name for name in _KINDS if getattr(self, name) is not None]
        if kinds == ["sql", "change_within"]:
            kinds = ["sql"]
        if len(kinds) != 1:
            raise ValueError(
                f"{' and '.join(kinds)} are {len(kinds)} checks: give each an entry of its own"
                if kinds
                else f"it says nothing to check: give one of {', '.join(_KINDS)}"
            )
        expected = [*self.bounds_given, *(["change_within"] if self.change_within is not None else [])]
        if self.sql is not None and len(expected) != 1 and expected != ["at_least", "at_most"]:
            raise ValueError(
                "sql has to return something: give equals, at_least or at_most, between, or change_within"
                + (f", and just one of them (not {' and '.join(expected)})" if expected else "")
            )
        if self.sql is None and self.bounds_given:
            raise ValueError(f"{self.bounds_given[0]} goes with sql, or inside row_count: {{…}}; not with {kinds[0]}")
        if self.row_count is not None and not self.row_count.bounds_given:
            raise ValueError("row_count expects something: give equals, at_least, at_most or between")
        if self.table and self.sql is not None and "{table}" not in self.sql:
            raise ValueError("table is what {table} stands for, and the sql has no {table}: leave one out or add it")
        if self.change_within is not None and not self.of_own_table:
            raise ValueError(
                "change_within compares what {table} held before with what it holds now: "
                + ("leave out table" if self.table else "write {table} in the sql")
            )
        return self

    @property
    def kind(self) -> str:
        """Which check it is: `sql`, `unique`, …"""
        return next(name for name in _KINDS if getattr(self, name) is not None)

    @property
    def asked(self) -> str:
        """What it asks, on a line: its SQL, or its name and columns, `unique: user_id, date`."""
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
        """Whether it looks at the table in whose file it stands (by a query: as `{table}`)."""
        return self.table is None and (self.sql is None or "{table}" in self.sql)

    def bounds(self, before: Any = None) -> Bounds | None:
        """What its query must return at this moment. None: whatever it is, it holds.

        `before` is what the query returned before the load or the build. Where that was no number, or 0, of which
        there is no percentage, a change has nothing that it could be compared with.
        """
        if self.change_within is not None:
            return _within(self.change_within, before)
        if self.fresh is not None:
            return Bounds(at_least=datetime.now(UTC) - self.fresh.within)
        return self if self.sql is not None else self.row_count or Bounds(equals=0)

    def expected(self, bounds: Bounds | None, before: Any = None) -> str:
        """What its query must return, in words: `bounds`, and where they come from. `before` as in `bounds()`."""
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
    with localcontext(prec=100):  # more digits than any column has: 0% means not by one of them
        room = abs(was) * percent / 100
        return Bounds(between=(was - room, was + room))


def _spelled(age: timedelta) -> str:
    hours = int(age.total_seconds()) // 3600
    number, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number} {unit}{'s' * (number != 1)}"
