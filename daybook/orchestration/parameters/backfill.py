"""Parameters of a backfill."""

from typing import Annotated, Any, get_args

from pydantic import Field

from daybook.backfill import queue
from daybook.ledger import interval_status
from daybook.orchestration.parameters.json_schema import explained, flag

DeploymentName = Annotated[
    str, explained("The deployment whose runs load the table: flow/name, such as nps/daily.", type="string")
]
Select = Annotated[
    interval_status.BackfillSelection,
    explained(
        "missing: intervals without a row in the ledger. failed: those, and intervals whose last load failed. "
        "differing: intervals that an audit finds to differ from the source; rows that the source no longer has are "
        "deleted. all: every interval.",
        type="string",
        enum=list(get_args(interval_status.BackfillSelection)),
    ),
]
Order = Annotated[
    queue.Order,
    explained("The order of the intervals.", type="string", enum=list(get_args(queue.Order))),
]
MaxActiveRuns = Annotated[
    int,
    Field(ge=1),
    explained(
        "The number of runs that are active at the same time, up to the deployment's concurrency limit.",
        type="integer",
        minimum=1,
    ),
]
IntervalsPerRun = Annotated[
    int,
    Field(ge=1),
    explained(
        "The maximum number of intervals that one run loads, in one transaction. They need not be neighbours, if the "
        "deployment's flow has the parameter intervals. A failed run is split in half until only the intervals that "
        "cannot be loaded are left.",
        type="integer",
        minimum=1,
    ),
]
DependsOnPast = Annotated[bool, flag("Load in order, one run at a time, and stop at the first failure.")]
PassedOn = Annotated[
    dict[str, Any] | None,
    explained(
        'Parameters for every run, such as {"allow_shrink": true}.', anyOf=[{"type": "object"}, {"type": "null"}]
    ),
]
DryRun = Annotated[bool, flag("Load nothing, and show for each interval what would happen.")]
