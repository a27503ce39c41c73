"""What a run's page and the terminal show of a run: the lines of `daybook`, and failures in their own words."""

import logging

from prefect.context import FlowRunContext, TaskRunContext

from daybook.errors import DaybookError

#: Prefect's connector says this each time a database is opened, which tells a reader nothing.
_NOISE = "Created a new engine."


def told(error: DaybookError) -> str:
    """A failure in its own words: what went wrong and what to do, then its notes (where the staged parts are kept)."""
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


def in_own_words(record: logging.LogRecord) -> bool:
    """A filter for Prefect's lines about runs: a failure that Daybook can explain is told once, without a traceback.

    Prefect would tell it for the task and for the flow, each time with all of its own frames.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DaybookError):
        if getattr(error, "was_told", False):
            return False
        error.was_told = True  # type: ignore[attr-defined]
        record.msg, record.args = "%s", (told(error),)
        record.exc_info = record.exc_text = None
    return record.msg != _NOISE


def forward() -> None:
    """Send what `daybook` logs to the run's page too, as PREFECT_LOGGING_EXTRA_LOGGERS would. Once is enough."""
    logger, extra = logging.getLogger("daybook"), logging.getLogger("prefect.extra")
    if logger.handlers:
        return
    logger.setLevel(extra.level or logging.INFO)
    for pattern in extra.handlers:
        handler = type(pattern)()
        handler.addFilter(_in_a_run)  # in a notebook there is no run whose page could show it, and Prefect would warn
        logger.addHandler(handler)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(in_own_words)


def _in_a_run(record: logging.LogRecord) -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


forward()
