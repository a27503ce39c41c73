"""A table of the warehouse: where its rows come from, how they are loaded, and which intervals they belong to.

The models below are the whole vocabulary of the table files: `tables/schema.json`, with which editors complete them, is
made from these (`python -m daybook.tables`).
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from daybook import trading
from daybook.checks import Check, Names
from daybook.columns import Type, parse_type
from daybook.errors import IntervalError
from daybook.grid import Grid, Unit
from daybook.interval import Interval
from daybook.localtime import local_boundary
from daybook.masks import Mask, check_masks
from daybook.sources import SourceConfig
from daybook.yaml_file import Strict

Load = Literal["replace", "replace_interval", "upsert"]


def _type_text(value: Any) -> Any:
    if isinstance(value, str):
        parse_type(value)
    return value


def _quoted_time(value: Any) -> Any:
    if isinstance(value, int):  # YAML 1.1 reads 10:00 as sixty times ten
        raise ValueError('write the time in quotes, as in due: "10:00"')
    return value


def _mask_text(value: Any) -> Any:
    return "null" if value is None else value  # what YAML makes of an unquoted null


TypeName = Annotated[str, BeforeValidator(_type_text)]
Due = Annotated[time | None, BeforeValidator(_quoted_time)]
Exchange = Annotated[str, AfterValidator(trading.known)]
MaskName = Annotated[Mask, BeforeValidator(_mask_text), WithJsonSchema({"enum": [*get_args(Mask), None]})]


class Table(Strict):
    """One table of the warehouse: where its rows come from, and how they are loaded."""

    name: str = Field(exclude=True, description="schema.table, taken from the folder and the file.")
    description: str = Field(description="What one row is, and of what: 'One answer a row to …'.")
    owner: str = Field(description="The team to ask.")
    source: SourceConfig = Field(description="Where the rows come from.")
    load: Load = Field(
        description="replace: the whole table each time. replace_interval: delete the interval, insert "
        "what the source now has. upsert: the newest row a key wins."
    )
    key: Names = Field((), description="The columns that tell one row from every other.")
    cursor: str | None = Field(None, description="The column whose value says to which interval a row belongs.")
    interval: Unit | None = Field(None, description="How long one interval is.")
    timezone: str = Field(
        "UTC", description="The IANA zone in which days begin, and in which a cursor without a zone is read."
    )
    start: datetime | date | None = Field(None, description="The first interval to load (not the day to run on).")
    calendar: Exchange | None = Field(
        None,
        description="The exchange on whose sessions alone there are rows, as exchange_calendars names it: XNYS. Nobody "
        "asks for days on which it was closed.",
    )
    catch_up: Literal["all", "latest", "none"] | None = Field(
        None,
        description="What catch_up loads of the intervals that were missed: all of them, the latest one, or none. "
        "Left out: all where there is a `start`, else none.",
    )
    due: Due = Field(None, description='By when the last interval must be in the ledger, in `timezone`: "10:00".')
    columns: dict[str, TypeName] | None = Field(None, description="Column: type. Left out: read off the source.")
    mask: dict[str, MaskName] = Field(
        {},
        description="Column: hash (the SHA-256 of the value), null (the column without its values) or drop (no "
        "column), done by the source's own query: the clear value never leaves it.",
    )
    deleted: str | None = Field(
        None, description="The column that flags a deleted row: true, a number other than 0, a date or time."
    )
    on_delete: Literal["keep", "apply"] = Field(
        "keep",
        description="keep: such a row is loaded like any other. apply: it is taken out of the warehouse, or never gets "
        "there.",
    )
    on_new_column: Literal["add", "ignore", "fail"] | None = Field(
        None,
        description="What becomes of a column that is new at the source. Left out: fail where the columns are read off "
        "the source, ignore where `columns:` lists them.",
    )
    checks: tuple[Check, ...] = Field((), description="What must hold in the table.")
    shrink_limit: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A load that would leave less than this share of the rows "
        "that the ledger says were there is stopped. 0 turns the guard off.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "Table":
        if self.load == "replace":
            return self._check_columns()
        for field, why in (
            ("cursor", "to know which rows belong to an interval"),
            ("interval", "to know how long one is"),
        ):
            if getattr(self, field) is None:
                raise ValueError(f"load: {self.load} needs {field}: {why}. Add it, or use load: replace")
        if self.load == "upsert" and not self.key:
            raise ValueError("load: upsert needs key: the columns that tell one row from every other")
        return self._check_columns()

    def _check_columns(self) -> "Table":
        if self.catch_up == "all" and self.start is None:
            raise ValueError("catch_up: all needs start: the first interval that is owed. Add it, or use latest")
        if self.calendar and self.interval in (None, "hour"):
            raise ValueError("calendar: tells days with a session from others: use interval: day, week or month")
        if self.interval:
            try:
                grid = Grid(self.interval, self.timezone)
                if self.start is not None:
                    grid.first(self.start)
            except IntervalError as error:
                raise ValueError(f"interval, timezone, start: {error}") from None
        if self.columns is not None:
            for column in self.named:
                if column not in self.columns:
                    near = get_close_matches(column, self.columns, 1)
                    raise ValueError(
                        f"columns lacks {column!r}, which key, cursor or deleted names"
                        + (f"; did you mean {near[0]!r}?" if near else "")
                    )
        if len(set(self.key)) != len(self.key):
            raise ValueError("key names a column twice")
        if self.on_delete == "apply" and self.deleted is None:
            raise ValueError("on_delete: apply needs deleted: the column that flags a deleted row")
        check_masks(self)
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that a load cannot do without: the key's, the cursor, and the flag of deleted rows."""
        return (*self.key, *(name for name in (self.cursor, self.deleted) if name))

    @property
    def new_columns(self) -> Literal["add", "ignore", "fail"]:
        """What becomes of a column that is new at the source: as the file says, or as it is by default."""
        return self.on_new_column or ("fail" if self.columns is None else "ignore")

    @property
    def catch_up_policy(self) -> Literal["all", "latest", "none"]:
        """What `catch_up` loads of this table: all of the intervals that were missed, the latest one, or none."""
        if self.grid is None or self.load == "replace":
            return "none"
        return self.catch_up or ("all" if self.start is not None else "none")

    @property
    def schema_name(self) -> str:
        """The schema, in the warehouse."""
        return self.name.split(".", 1)[0]

    @property
    def table_name(self) -> str:
        """The name without its schema."""
        return self.name.split(".", 1)[1]

    @cached_property
    def grid(self) -> Grid | None:
        """The grid of the table's intervals; None for a table that is only ever replaced whole."""
        return Grid(self.interval, self.timezone) if self.interval else None

    def expects(self, interval: Interval) -> bool:
        """Whether rows are to be expected of an interval: not where the exchange of `calendar` was closed all along."""
        if self.calendar is None:
            return True
        first, end = (local_boundary(instant, self.timezone).date() for instant in (interval.start, interval.end))
        return bool(trading.sessions(self.calendar, first, end))

    def label(self, intervals: Sequence[Interval]) -> str:
        """What a person calls these neighbouring intervals, in order: `2021-02-05 until 2021-03-01`."""
        assert self.grid is not None
        return self.grid.stretch_label(intervals[0], intervals[-1])

    @property
    def declared_types(self) -> dict[str, Type] | None:
        """Column: type, where the file declares them."""
        return None if self.columns is None else {name: parse_type(text) for name, text in self.columns.items()}
