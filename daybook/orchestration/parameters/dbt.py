"""Parameters of the flow that builds a dbt project."""

from datetime import date
from typing import Annotated

from pydantic import Field

from daybook.orchestration.parameters.json_schema import explained, flag, names_of
from daybook.orchestration.parameters.load import TableParameter

ProjectDir = Annotated[str, explained("The folder on the worker that has dbt_project.yml.", "string")]
Day = Annotated[
    date | None,
    explained(
        "The day that the tables must have. Default: the day before the run's scheduled time.",
        anyOf=[{"type": "string", "format": "date"}, {"type": "null"}],
    ),
]
Selection = Annotated[
    str | None,
    explained("The models to build, as for dbt's --select: 'nps_by_day+ tag:daily'. Default: all.", "string", "null"),
]
AwaitedTables = Annotated[
    list[TableParameter] | None,
    names_of("The tables to wait for. Default: the tables under tables/ that the selected models read."),
]
TargetSchema = Annotated[str, explained("The schema of models that do not name one.", "string")]
RebuildIncremental = Annotated[bool, flag("Rebuild incremental models from all of their rows.")]
TimeoutSeconds = Annotated[
    int, Field(ge=0), explained("The number of seconds to wait for the tables.", type="integer", minimum=0)
]
