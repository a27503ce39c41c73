"""Parameters of the flows that load a table."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from daybook.orchestration.parameters.json_schema import (
    DATES,
    NAMES,
    OPTIONAL_DATES,
    explained,
    flag,
    name_of,
    names_of,
)


def _keep_time(value: Any) -> Any:
    """Convert text with a time to a datetime. Pydantic alone would drop the time of a midnight, and its zone."""
    if isinstance(value, str) and len(value.strip()) > len("2021-02-05"):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    return value


def known_table(name: str) -> str:
    """Return `name` if a file under tables/ has it. The file itself is read once, by the flow.

    Raises:
        TableFileError: there is no such file.
    """
    from daybook.definitions.table_files import read_table, table_names

    return name if name in table_names() else read_table(name).name  # its error suggests a similar name


def known_tables(names: list[str]) -> list[str]:
    """Return `names` if a file under tables/ has each of them. Raises TableFileError as `known_table`."""
    from daybook.definitions.table_files import read_table, table_names

    known = set(table_names())
    return [name if name in known else read_table(name).name for name in names]


When = Annotated[date | datetime, BeforeValidator(_keep_time)]

ExecutionDate = Annotated[
    When | None,
    explained(
        "The start of the interval to load: a date, or a date and time, in the table's time zone. "
        "Default: the last interval that was complete at the run's scheduled time.",
        anyOf=OPTIONAL_DATES,
    ),
]
Until = Annotated[
    When | None,
    explained(
        "The exclusive end of a range that starts at execution_date. One run loads all of it.", anyOf=OPTIONAL_DATES
    ),
]
Intervals = Annotated[
    list[When] | None,
    explained(
        "Instead of a range: the starts of the intervals to load, at most 1,000, which need not be neighbours. One run "
        "loads all of them, in one transaction.",
        anyOf=[{"type": "array", "items": {"anyOf": DATES}}, {"type": "null"}],
    ),
]
FullRefresh = Annotated[bool, flag("Replace the whole table with what the source has now.")]
AllowShrink = Annotated[
    bool, flag("Allow this run to leave far fewer rows than the ledger recorded, because the source deleted them.")
]
AllowBeforeStart = Annotated[bool, flag("Allow dates before the start: of the table file.")]
Exact = Annotated[bool, flag("Delete rows that the source no longer has, even if load: is upsert.")]
#: Any table that has a file when the flow runs.
TableParameter = Annotated[
    str,
    AfterValidator(known_table),
    name_of("The table to load, as schema.table. Any file under tables/ defines one."),
]
LoadedTables = Annotated[
    list[str],
    AfterValidator(known_tables),
    Field(min_length=1),
    explained(
        "The tables to load, as schema.table. Any files under tables/ define them.",
        type="array",
        minItems=1,
        items={"type": "string"},
        **{NAMES: "tables"},
    ),
]
AtOnce = Annotated[
    int, Field(ge=1), explained("How many of the tables to load at the same time.", type="integer", minimum=1)
]
TableNames = Annotated[
    Annotated[list[str], AfterValidator(known_tables)] | None,
    names_of("The tables to catch up. Default: those that were loaded before, or that a schedule or a trigger loads."),
]
Start = Annotated[When, explained("The start of the first interval, in the table's time zone.", anyOf=DATES)]
End = Annotated[When, explained("The exclusive end: July is 2018-07-01 to 2018-08-01.", anyOf=DATES)]
