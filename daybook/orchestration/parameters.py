"""The types of the flows' parameters: what the UI's form offers and explains, and what a typed text becomes.

Prefect takes a parameter's description from the flow's docstring and drops the one of a pydantic `Field`; a JSON schema
given here survives, so that each parameter is explained once, for every flow that has it.
"""

from datetime import date, datetime
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from daybook.backfill import queue
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import read_table, table_names
from daybook.ledger import interval_status
from daybook.sources import yahoo

_DATES = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]


def explained(description: str, *types: str, **schema: Any) -> WithJsonSchema:
    """A parameter's description, and the rest of its JSON schema: `types` are those that it may be of."""
    choices = {"anyOf": [{"type": type} for type in types]} if types else {}
    return WithJsonSchema({**choices, **schema, "description": description})


def flag(description: str) -> WithJsonSchema:
    """What setting a flag does."""
    return explained(description, type="boolean")


def some_of(names: list[str], description: str) -> WithJsonSchema:
    """Some of these names, as choices, or none at all."""
    return explained(
        description, anyOf=[{"type": "array", "items": {"type": "string", "enum": names}}, {"type": "null"}]
    )


def _exactly(value: Any) -> Any:
    """A text with a time is a datetime: pydantic by itself would drop a midnight's time, and its zone with it."""
    if isinstance(value, str) and len(value.strip()) > len("2021-02-05"):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    return value


def _known(name: str) -> str:
    read_table(name)
    return name


def _known_summary(name: str) -> str:
    read_summary(name)
    return name


When = Annotated[date | datetime, BeforeValidator(_exactly)]

ExecutionDate = Annotated[
    When | None,
    explained(
        "The interval to load, by its start: a date, or a date and time, on the table's clock. "
        "Left out: the last interval that was complete at the run's scheduled time.",
        anyOf=[*_DATES, {"type": "null"}],
    ),
]
Until = Annotated[
    When | None,
    explained(
        "The exclusive end of a range that begins at execution_date: one run loads all of it.",
        anyOf=[*_DATES, {"type": "null"}],
    ),
]
FullRefresh = Annotated[bool, flag("Replace the whole table with what the source has now.")]
AllowShrink = Annotated[
    bool, flag("Let this run leave far fewer rows than the ledger says were there, because they are gone.")
]
AllowBeforeStart = Annotated[bool, flag("Allow dates before the start: of the table file.")]
Exact = Annotated[bool, flag("Take rows out that the source no longer has, also where load: is upsert.")]
#: Every table that has a file, as a dropdown.
TableParameter = Annotated[
    str,
    AfterValidator(_known),
    explained("The table to load: any file in tables/.", type="string", enum=table_names()),
]
AuditedTable = Annotated[
    str,
    AfterValidator(_known),
    explained("The table to hold against its source.", type="string", enum=table_names()),
]
TableNames = Annotated[
    list[Annotated[str, AfterValidator(_known)]] | None,
    some_of(table_names(), "The tables to look after. Left out: every one under tables/."),
]
#: Every summary that has a file, as choices.
SummaryNames = Annotated[
    list[Annotated[str, AfterValidator(_known_summary)]] | None,
    some_of(summary_names(), "The summaries to build. Left out: every one under tables/."),
]
BuildAnew = Annotated[bool, flag("Build all of them, whole, whether or not anything has changed.")]
Symbols = Annotated[
    Annotated[list[str], AfterValidator(yahoo.checked)] | None,
    explained(
        "The symbols to load, as Yahoo spells them: AAPL, BRK-B, 7203.T. Left out: those of the table file.",
        anyOf=[{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
    ),
]

DeploymentName = Annotated[
    str, explained("The deployment whose runs load it: flow/name, such as nps/daily.", type="string")
]
Start = Annotated[When, explained("The first interval, by its start, on the table's clock.", anyOf=_DATES)]
End = Annotated[When, explained("The exclusive end: 2018-07-01 to 2018-08-01 is July.", anyOf=_DATES)]
Select = Annotated[
    interval_status.BackfillSelection,
    explained(
        "missing: what the ledger has no row of. failed: that, and what failed at the last try. differing: what is not "
        "equal to the source, by an audit; rows that are gone there are taken out. all: all of it.",
        type="string",
        enum=list(get_args(interval_status.BackfillSelection)),
    ),
]
_OPTIONAL = [*_DATES, {"type": "null"}]
AuditStart = Annotated[
    When | None, explained("The first interval, by its start. Left out: the table's start.", anyOf=_OPTIONAL)
]
AuditEnd = Annotated[When | None, explained("The exclusive end. Left out: all that is over by now.", anyOf=_OPTIONAL)]
Last = Annotated[
    Annotated[int, Field(ge=1)] | None,
    explained(
        "Only the newest so many intervals, instead of start and end.",
        anyOf=[{"type": "integer", "minimum": 1}, {"type": "null"}],
    ),
]
Repair = Annotated[bool, flag("Load what is not equal again, exactly as its source has it, and audit that once more.")]
MaxRepair = Annotated[
    float,
    Field(ge=0, le=1),
    explained(
        "Repair nothing where more than this share of the intervals that had been loaded differ: a type or a time zone "
        "may have changed, and history would be rewritten.",
        type="number",
        minimum=0,
        maximum=1,
    ),
]
Whole = Annotated[
    bool, flag("Compare all of the table, by ranges of its key instead of intervals: also what has no intervals.")
]
Order = Annotated[
    queue.Order,
    explained("Which intervals come first.", type="string", enum=list(get_args(queue.Order))),
]
MaxActiveRuns = Annotated[
    int,
    Field(ge=1),
    explained(
        "How many runs are active at once; no more than the deployment's concurrency limit allows.",
        type="integer",
        minimum=1,
    ),
]
IntervalsPerRun = Annotated[
    int,
    Field(ge=1),
    explained(
        "How many neighbouring intervals one run loads at most, in one transaction. A run that fails is halved until "
        "the intervals that cannot load stand alone.",
        type="integer",
        minimum=1,
    ),
]
DependsOnPast = Annotated[bool, flag("In order, one run after the other, and none after the first that fails.")]
PassedOn = Annotated[
    dict[str, Any] | None,
    explained('Passed on to every run, such as {"allow_shrink": true}.', anyOf=[{"type": "object"}, {"type": "null"}]),
]
DryRun = Annotated[bool, flag("Load nothing: tell for each interval what would happen.")]
