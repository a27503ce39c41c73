"""What a run's message says of its failure, without Prefect's own words; and which of Daybook's errors it was."""

import re

from daybook.errors import DaybookError, kind_of

_ERROR = re.compile(r"encountered an exception: (?P<story>(?P<kind>\w+): .*)", re.DOTALL)


def parse_failure_message(message: str | None) -> tuple[str, type[DaybookError] | None]:
    """The error's own words, and its class; None for one that is not Daybook's."""
    found = _ERROR.search(message or "")
    if not found:
        return message or "it failed, and did not say why", None
    return found["story"], kind_of(found["kind"])
