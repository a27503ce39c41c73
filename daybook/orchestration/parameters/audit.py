"""Parameters of an audit and its repair."""

from typing import Annotated

from pydantic import AfterValidator, Field

from daybook.definitions.table_files import table_names
from daybook.orchestration.parameters.json_schema import OPTIONAL_DATES, explained, flag
from daybook.orchestration.parameters.load import When, known_table

AuditedTable = Annotated[
    str,
    AfterValidator(known_table),
    explained("The table to compare with its source.", type="string", enum=table_names()),
]
AuditStart = Annotated[
    When | None, explained("The first interval, by its start. Left out: the table's start.", anyOf=OPTIONAL_DATES)
]
AuditEnd = Annotated[
    When | None, explained("The exclusive end. Left out: the end of the last complete interval.", anyOf=OPTIONAL_DATES)
]
Last = Annotated[
    Annotated[int, Field(ge=1)] | None,
    explained(
        "Compare only this many of the newest intervals, instead of start and end.",
        anyOf=[{"type": "integer", "minimum": 1}, {"type": "null"}],
    ),
]
Repair = Annotated[
    bool, flag("Reload the intervals that differ, exactly as the source has them, and audit them once more.")
]
MaxRepair = Annotated[
    float,
    Field(ge=0, le=1),
    explained(
        "Repair nothing if more than this share of the intervals that had been loaded differ: a type or a time zone "
        "may have changed, and the repair would rewrite history.",
        type="number",
        minimum=0,
        maximum=1,
    ),
]
Whole = Annotated[
    bool, flag("Compare the whole table, by ranges of its key instead of intervals: also a table without intervals.")
]
