"""Parameters of the flow that builds summaries."""

from typing import Annotated

from pydantic import AfterValidator

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.orchestration.parameters.json_schema import flag, some_of


def _known_summary(name: str) -> str:
    return read_summary(name).name


#: Any summaries that have a file when the flow runs.
SummaryNames = Annotated[
    list[Annotated[str, AfterValidator(_known_summary)]] | None,
    some_of(summary_names(), "The summaries to build. Default: every summary under tables/."),
]
RebuildAll = Annotated[bool, flag("Rebuild them completely, even if nothing has changed.")]
