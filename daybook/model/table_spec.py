"""The fields of a table file, except `source`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from daybook.errors import IntervalError
from daybook.model import exchange_calendar
from daybook.model.checks import Check
from daybook.model.dataset import Dataset, TypeName
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.model.masks import Mask
from daybook.model.timezones import local_boundary
from daybook.model.types import Type, parse_type
from daybook.strategies.base import Strategy
from daybook.strategies.registry import WHOLE_TABLE, all_strategies, strategy_named
from daybook.suggestions import did_you_mean
from daybook.yaml_model import OR_NULL

#: The default of `shrink_limit`.
SHRINK_LIMIT = 0.5


def _strategy_name(name: str) -> str:
    return strategy_named(name).name


StrategyName = Annotated[
    str, AfterValidator(_strategy_name), WithJsonSchema({"enum": [*all_strategies()], "type": "string"})
]
Exchange = Annotated[str, AfterValidator(exchange_calendar.known)]
MaskName = Annotated[Mask, OR_NULL, WithJsonSchema({"enum": [*get_args(Mask), None]})]


TooLong = Literal["fail", "truncate", "null"]
TooLongName = Annotated[TooLong, OR_NULL, WithJsonSchema({"enum": [*get_args(TooLong), None]})]


class TableSpec(Dataset):
    """A table that is loaded from a source, with every field of its file except `source`."""

    load: StrategyName = Field(
        description=" ".join(f"{name}: {strategy.summary}." for name, strategy in all_strategies().items())
    )
    start: datetime | date | None = Field(
        None,
        description="The start of the first interval that is owed. It is not the day of the first run, and does not "
        "limit a full refresh, which takes all rows of the source.",
    )
    calendar: Exchange | None = Field(
        None,
        description="The exchange whose sessions have rows, by its name in exchange_calendars: XNYS. Daybook does not "
        "request days on which the exchange was closed.",
    )
    catch_up: Literal["all", "latest", "none"] | None = Field(
        None,
        description="The missed intervals that catch_up loads: all, the latest, or none. Default: all if the table has "
        "a `start`, else none.",
    )
    columns: dict[str, TypeName] | None = Field(
        None, description="The columns to load, as column: type. Default: the columns and types of the source."
    )
    mask: dict[str, MaskName] = Field(
        {},
        description="Columns to mask, as column: hash (the SHA-256 of the value), null (the column without its "
        "values) or drop (no column). The source applies the mask, so clear-text values never leave it.",
    )
    too_long: dict[str, TooLongName] = Field(
        {},
        description="What to do with a value that is too long for its column in the warehouse, as column: fail, "
        "truncate (load its beginning) or null (load NULL). Each load counts and reports these values, and no audit "
        "compares the column. Default: fail.",
    )
    deleted: str | None = Field(
        None, description="The column that flags deleted rows: with true, a number other than 0, a date or a time."
    )
    on_delete: Literal["keep", "apply"] = Field(
        "keep",
        description="keep: load a deleted row like any other. apply: delete it from the warehouse, or do not load it.",
    )
    on_new_column: Literal["add", "ignore", "fail"] | None = Field(
        None,
        description="What to do if the source has a new column. Default: ignore if `columns:` lists the columns, else "
        "fail.",
    )
    checks: tuple[Check, ...] = Field((), description="The checks that the table must pass before each commit.")
    shrink_limit: float = Field(
        SHRINK_LIMIT,
        ge=0,
        le=1,
        description="The guard against shrinking: a load fails if it would leave, or finds, less than this share of "
        "the rows that the ledger has recorded. 0 disables the guard.",
    )

    vacuum: bool | None = Field(
        None,
        description="true: run the warehouse's VACUUM and ANALYZE after each load. false: never. Default: after a load "
        "that replaces the whole table, if the warehouse profits from it. A failure is only logged.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "TableSpec":
        for field, why in self.strategy.needs.items():
            if not getattr(self, field):
                raise ValueError(f"load: {self.load} needs {field}: {why}. Add it, or use load: {WHOLE_TABLE.name}")
        return self._check_columns()

    def _check_columns(self) -> "TableSpec":
        if self.catch_up == "all" and self.start is None:
            raise ValueError("catch_up: all needs start: the first interval to load. Add it, or use latest")
        if self.calendar and self.interval in (None, "hour"):
            raise ValueError("calendar: has sessions per day, not per hour: use interval: day, week or month")
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
                    near = did_you_mean(column, self.columns)
                    raise ValueError(f"columns lacks {column!r}, which key, cursor or deleted refers to{near}")
        if self.on_delete == "apply" and self.deleted is None:
            raise ValueError("on_delete: apply needs deleted: the column that flags a deleted row")
        return self

    @property
    def strategy(self) -> Strategy:
        """Return the strategy that loads use to write rows into the table."""
        return strategy_named(self.load)

    @property
    def load_grid(self) -> Grid | None:
        """Return the grid of the intervals that a load writes, or None if each load writes the whole table."""
        return self.grid if self.strategy.has_intervals else None

    @property
    def named(self) -> tuple[str, ...]:
        """Return the columns that a load always needs: the key, the cursor, and the flag of deleted rows."""
        return (*self.key, *(name for name in (self.cursor, self.deleted) if name))

    @property
    def new_columns(self) -> Literal["add", "ignore", "fail"]:
        """Return what to do with a new column of the source: `on_new_column`, or its default."""
        return self.on_new_column or ("fail" if self.columns is None else "ignore")

    @property
    def catch_up_policy(self) -> Literal["all", "latest", "none"]:
        """Return which missed intervals the flow `catch_up` loads: all, the latest one, or none."""
        if self.load_grid is None:
            return "none"
        return self.catch_up or ("all" if self.start is not None else "none")

    def expects(self, interval: Interval) -> bool:
        """Return True if an interval should have rows: the exchange of `calendar`, if any, has a session in it."""
        if self.calendar is None:
            return True
        first, end = (local_boundary(instant, self.timezone).date() for instant in (interval.start, interval.end))
        return bool(exchange_calendar.sessions(self.calendar, first, end))

    def label(self, intervals: Sequence[Interval]) -> str:
        """Return the label of adjacent intervals, which are in order: `2021-02-05 until 2021-03-01`."""
        assert self.grid is not None
        return self.grid.stretch_label(intervals[0], intervals[-1])

    @property
    def declared_types(self) -> dict[str, Type] | None:
        """Return the type of each column, or None if the file does not declare columns."""
        return None if self.columns is None else {name: parse_type(text) for name, text in self.columns.items()}
