"""Parameters of the flow that loads stock prices."""

from typing import Annotated

from pydantic import AfterValidator

from daybook.orchestration.parameters.json_schema import explained
from daybook.sources import yahoo

Symbols = Annotated[
    Annotated[list[str], AfterValidator(yahoo.checked)] | None,
    explained(
        "The symbols to load, as Yahoo spells them: AAPL, BRK-B, 7203.T. Default: those of the table file.",
        anyOf=[{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
    ),
]
