"""A table of the warehouse as its file describes it, whatever its source is."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

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


def _strategy_name(name: str) -> str:
    return strategy_named(name).name


def _mask_text(value: Any) -> Any:
    return "null" if value is None else value  # what YAML makes of an unquoted null


StrategyName = Annotated[
    str, AfterValidator(_strategy_name), WithJsonSchema({"enum": [*all_strategies()], "type": "string"})
]
Exchange = Annotated[str, AfterValidator(exchange_calendar.known)]
MaskName = Annotated[Mask, BeforeValidator(_mask_text), WithJsonSchema({"enum": [*get_args(Mask), None]})]


class TableSpec(Dataset):
    """A table that is loaded from a source: every field of its file except `source`."""

    load: StrategyName = Field(
        description=" ".join(f"{name}: {strategy.summary}." for name, strategy in all_strategies().items())
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
    def _is_whole(self) -> "TableSpec":
        for field, why in self.strategy.needs.items():
            if not getattr(self, field):
                raise ValueError(f"load: {self.load} needs {field}: {why}. Add it, or use load: {WHOLE_TABLE.name}")
        return self._check_columns()

    def _check_columns(self) -> "TableSpec":
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
                    near = did_you_mean(column, self.columns)
                    raise ValueError(f"columns lacks {column!r}, which key, cursor or deleted names{near}")
        if self.on_delete == "apply" and self.deleted is None:
            raise ValueError("on_delete: apply needs deleted: the column that flags a deleted row")
        return self

    @property
    def strategy(self) -> Strategy:
        """Return how loads bring rows into the table."""
        return strategy_named(self.load)

    @property
    def load_grid(self) -> Grid | None:
        """Return the grid of the intervals that loads bring; None if each load brings the whole table."""
        return self.grid if self.strategy.has_intervals else None

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
        if self.load_grid is None:
            return "none"
        return self.catch_up or ("all" if self.start is not None else "none")

    def expects(self, interval: Interval) -> bool:
        """Whether rows are to be expected of an interval: not where the exchange of `calendar` was closed all along."""
        if self.calendar is None:
            return True
        first, end = (local_boundary(instant, self.timezone).date() for instant in (interval.start, interval.end))
        return bool(exchange_calendar.sessions(self.calendar, first, end))

    def label(self, intervals: Sequence[Interval]) -> str:
        """What a person calls these neighbouring intervals, in order: `2021-02-05 until 2021-03-01`."""
        assert self.grid is not None
        return self.grid.stretch_label(intervals[0], intervals[-1])

    @property
    def declared_types(self) -> dict[str, Type] | None:
        """Column: type, where the file declares them."""
        return None if self.columns is None else {name: parse_type(text) for name, text in self.columns.items()}
