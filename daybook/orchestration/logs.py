"""Set up the log of a run, on its page and in the terminal: lines of `daybook`, and failures without tracebacks."""

import logging

from prefect.context import FlowRunContext, TaskRunContext

from daybook.errors import DaybookError

#: Prefect's connector logs this each time it opens a database.
_NOISE = "Created a new engine."


def error_text(error: DaybookError) -> str:
    """Return the text of an error with its notes: what failed, how to fix it, where the staged parts are kept."""
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


def in_own_words(record: logging.LogRecord) -> bool:
    """Filter Prefect's lines about runs: log a failure that Daybook can explain once, without a traceback.

    Prefect would log it twice, for the task and for the flow, each time with all of Prefect's frames.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DaybookError):
        if getattr(error, "was_logged", False):
            return False
        error.was_logged = True  # type: ignore[attr-defined]
        record.msg, record.args = "%s", (error_text(error),)
        record.exc_info = record.exc_text = None
    return record.msg != _NOISE


def forward() -> None:
    """Send the log of `daybook` to the run's page too, as PREFECT_LOGGING_EXTRA_LOGGERS would. Call it once."""
    logger, extra = logging.getLogger("daybook"), logging.getLogger("prefect.extra")
    if logger.handlers:
        return
    logger.setLevel(extra.level or logging.INFO)
    for pattern in extra.handlers:
        if not type(pattern).__module__.startswith("prefect."):
            continue  # of pytest, for example, and made in another way
        handler = type(pattern)()
        handler.addFilter(_in_a_run)  # outside of a run, as in a notebook, there is no page, and Prefect would warn
        logger.addHandler(handler)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(in_own_words)


def _in_a_run(record: logging.LogRecord) -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


forward()
