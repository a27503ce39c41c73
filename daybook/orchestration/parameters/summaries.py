"""Parameters of the flow that builds summaries."""

from typing import Annotated

from pydantic import AfterValidator

from daybook.definitions.summary_files import read_summary
from daybook.orchestration.parameters.json_schema import flag, names_of


def _known_summary(name: str) -> str:
    return read_summary(name).name


#: Any summaries that have a file when the flow runs.
SummaryNames = Annotated[
    list[Annotated[str, AfterValidator(_known_summary)]] | None,
    names_of("The summaries to build. Default: every summary under tables/.", "summaries"),
]
LeftOut = Annotated[
    list[str] | None,
    names_of("The summaries to leave out if `tables` is empty: those with a schedule of their own.", "summaries"),
]
RebuildAll = Annotated[bool, flag("Rebuild them completely, even if nothing has changed.")]
