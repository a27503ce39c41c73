"""Parameters of an audit and its repair."""

from typing import Annotated

from pydantic import AfterValidator, Field

from daybook.orchestration.parameters.json_schema import OPTIONAL_DATES, explained, flag, name_of
from daybook.orchestration.parameters.load import When, known_table

AuditedTable = Annotated[
    str,
    AfterValidator(known_table),
    name_of("The table to compare with its source, as schema.table."),
]
AuditStart = Annotated[
    When | None, explained("The start of the first interval. Default: the table's start.", anyOf=OPTIONAL_DATES)
]
AuditEnd = Annotated[
    When | None, explained("The exclusive end. Default: the end of the last complete interval.", anyOf=OPTIONAL_DATES)
]
Last = Annotated[
    Annotated[int, Field(ge=1)] | None,
    explained(
        "Instead of start and end: compare only this many of the newest intervals.",
        anyOf=[{"type": "integer", "minimum": 1}, {"type": "null"}],
    ),
]
Repair = Annotated[
    bool, flag("Reload the intervals that differ, exactly as the source has them, and audit them again.")
]
MaxRepair = Annotated[
    float,
    Field(ge=0, le=1),
    explained(
        "The limit of a repair, as a share of the loaded intervals. If more of them differ, nothing is repaired: a "
        "type or a time zone may have changed, and the repair would rewrite history.",
        type="number",
        minimum=0,
        maximum=1,
    ),
]
Whole = Annotated[
    bool, flag("Compare the whole table by ranges of its key. This also works for a table without intervals.")
]
