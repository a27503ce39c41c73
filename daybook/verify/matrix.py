"""Run the checks one after the other, and remove what they have made, whatever happens."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from daybook.errors import DaybookError
from daybook.redaction import without_secrets
from daybook.sql.database_error import DatabaseError
from daybook.verify.registry import Check, NotChecked, Unexpected
from daybook.verify.traces import Traces
from daybook.verify.workbench import Workbench, one_line

_LONGEST = 1000  # characters of a finding


class Status(StrEnum):
    """The result of one check."""

    EXPECTED = "as expected"
    FAILED = "FAILED"
    MEASURED = "measured"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check has found. `sql` is the statement that the cluster refused, if there was one."""

    check: Check
    status: Status
    found: str
    seconds: float
    sql: str | None = None


@dataclass
class Findings:
    """The outcomes of one run, in order."""

    schema: str
    began: datetime
    outcomes: list[Outcome] = field(default_factory=list)
    interrupted: bool = False
    """True if the run was interrupted, so that later checks are missing."""
    left_behind: list[str] = field(default_factory=list)
    """What could not be removed, and how to remove it."""

    @property
    def good(self) -> bool:
        """Return True if no check failed, none is missing, and nothing is left behind."""
        failed = any(one.status is Status.FAILED for one in self.outcomes)
        return not (failed or self.interrupted or self.left_behind)


def run(
    bench: Workbench,
    checks: Sequence[Check],
    on_outcome: Callable[[Outcome], None],
    known_secrets: Sequence[str] = (),
) -> Findings:
    """Run the checks, and remove what they have made. `bench.recorder.stop()`, in another thread, interrupts them.

    Args:
        bench: the place where the checks work.
        checks: the checks to run.
        on_outcome: called after each check.
        known_secrets: the passwords and keys in use, which no text shows.

    Raises:
        DaybookError, DatabaseError: the source or the cluster cannot be opened, or a schema cannot be created. Nothing
            is left behind.
    """
    findings = Findings(bench.schema, datetime.now(UTC))
    traces = Traces.before(bench)
    try:
        traces.make()
        closed: Check | None = None
        for check in checks:
            outcome = _skipped(check, closed) if closed else _outcome(bench, check, known_secrets)
            if bench.recorder.stopped:
                break
            findings.outcomes.append(outcome)
            on_outcome(outcome)
            if check.gate and outcome.status is Status.FAILED:
                closed = check
    finally:
        findings.interrupted = bench.recorder.stopped
        bench.recorder.finish()
        findings.left_behind = [without_secrets(one, known_secrets) for one in traces.remove()]
    return findings


def _outcome(bench: Workbench, check: Check, known_secrets: Sequence[str]) -> Outcome:
    began, mark = time.monotonic(), bench.recorder.mark
    sql: str | None = None
    try:
        found, status = check.find(bench), Status.EXPECTED if check.expects else Status.MEASURED
    except NotChecked as why:
        found, status = str(why), Status.NOT_CHECKED
    except Exception as error:
        found, status = _told(error), Status.FAILED
        failed = bench.recorder.last_failed(mark) if _is_refusal(error) else None
        sql = without_secrets(failed.sql, known_secrets) if failed else None
    seconds = time.monotonic() - began
    return Outcome(check, status, without_secrets(found, known_secrets)[:_LONGEST], seconds, sql)


def _skipped(check: Check, failed: Check) -> Outcome:
    return Outcome(check, Status.NOT_CHECKED, f"{failed.name!r} has failed", 0.0)


def _told(error: Exception) -> str:
    """Return what failed. The notes of an error name its staged parts, which are removed with all others."""
    if isinstance(error, Unexpected):
        return one_line(error)
    text = one_line(error) if isinstance(error, DaybookError | DatabaseError) else repr(error)
    return f"{type(error).__name__}: {text}"


def _is_refusal(error: BaseException | None) -> bool:
    """Return True if a statement that a database refused is the cause of the error."""
    while error is not None:
        if isinstance(error, DatabaseError):
            return True
        error = error.__cause__
    return False
