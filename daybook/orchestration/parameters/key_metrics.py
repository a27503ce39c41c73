"""Parameters of the flow that computes the key metrics."""

from datetime import date
from typing import Annotated

from pydantic import Field

from daybook.orchestration.parameters.json_schema import explained, flag

Week = Annotated[
    date | None,
    explained(
        "Any day of the last week to compute. Weeks begin on Monday, in UTC. Default: the last week that was complete "
        "at the run's scheduled time.",
        anyOf=[{"type": "string", "format": "date"}, {"type": "null"}],
    ),
]
Weeks = Annotated[
    int,
    Field(ge=1),
    explained("The number of weeks to compute: that week and the weeks before it.", type="integer", minimum=1),
]
SendMessage = Annotated[bool, flag("Send the weekly message about the last of these weeks.")]
