"""What a check finds, and how checks run: at the same time, each with its own time limit."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from daybook.errors import DaybookError
from daybook.sql.database_error import DatabaseError

LIMIT = 5.0  # seconds for a check

#: What stands between the reason and the remedy in an error.
_REMEDY = re.compile(r"\. |: (?=(?:add|correct|create|delete|give|install|is it|name|run|set|use) )")

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One result of a check. `remedy` is the command that fixes it. No text has a secret."""

    level: Level
    check: str
    text: str
    remedy: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Check:
    """A check: its name, and a function that yields what it finds. An exception is a finding, too."""

    name: str
    run: Callable[[], Iterable[Finding]]
    remedy: str = ""
    """How to fix it if the check itself fails, as without a connection."""
    limit: float | None = None
    """The seconds that it has. None: those of all checks."""


def run_checks(checks: Sequence[Check], limit: float = LIMIT) -> Iterator[Finding]:
    """Run the checks at the same time, and yield their findings in the order of `checks`.

    A check that takes longer than `limit` seconds is an error. Its thread is left behind, and ends with the process.
    """
    started = time.monotonic()
    running = [_Running(check) for check in checks]
    for one in running:
        patience = limit if one.check.limit is None else one.check.limit
        one.thread.join(max(0.0, started + patience - time.monotonic()))
        yield from list(one.found)
        if one.thread.is_alive():
            text = f"no answer within {patience:.0f} s"
            yield Finding("error", one.check.name, text, "check the host, the port and the firewall between", patience)


def failed(check: str, error: object, remedy: str = "", seconds: float | None = None) -> Finding:
    """Return the finding of an error. Its message ends with the remedy, unless `remedy` is given."""
    text = str(error)
    if not remedy and (found := _REMEDY.search(text)):
        text, remedy = text[: found.start()], text[found.end() :]
    return Finding("error", check, text, remedy, seconds)


class _Running:
    def __init__(self, check: Check) -> None:
        self.check, self.found = check, list[Finding]()
        self.thread = threading.Thread(target=self._run, name=check.name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        started = time.monotonic()
        try:
            for finding in self.check.run():
                self.found.append(replace(finding, seconds=time.monotonic() - started))
        except DatabaseError as error:
            self._failed(error.message, started)
        except DaybookError as error:
            self._failed(error, started)
        except Exception as error:  # a bug in one check must not hide the others' findings; its text may be secret
            self._failed(f"the check failed: {type(error).__name__}", started)

    def _failed(self, error: object, started: float) -> None:
        self.found.append(failed(self.check.name, error, self.check.remedy, time.monotonic() - started))
