"""The types of the flows' parameters: what the UI's form offers and explains, and what a typed text becomes.

Prefect takes a parameter's description from the flow's docstring and drops the one of a pydantic `Field`; a JSON schema
given here survives, so that each parameter is explained once, for every flow that has it.
"""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from daybook.tables import read_table, table_names

_DATE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, {"type": "null"}]}


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


When = Annotated[date | datetime, BeforeValidator(_exactly)]

ExecutionDate = Annotated[
    When | None,
    WithJsonSchema(
        _DATE
        | {
            "description": "The interval to load, by its start: a date, or a date and time, on the table's clock. "
            "Left out: the last interval that was complete at the run's scheduled time."
        }
    ),
]
Until = Annotated[
    When | None,
    WithJsonSchema(
        _DATE | {"description": "The exclusive end of a range that begins at execution_date: one run loads all of it."}
    ),
]
FullRefresh = Annotated[
    bool,
    WithJsonSchema({"type": "boolean", "description": "Replace the whole table with what the source has now."}),
]
AllowShrink = Annotated[
    bool,
    WithJsonSchema(
        {
            "type": "boolean",
            "description": "Let this run leave far fewer rows than the ledger says were there, because they are gone.",
        }
    ),
]
#: Every table that has a file, as a dropdown.
TableName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "enum": table_names(), "description": "The table to load: any file in tables/."}),
]
