"""Record the statements that Daybook sends to the cluster, so that the report can count them and quote a failed one.

A statement blocks its thread until it ends. So the recorder also ends the running ones when a person interrupts them.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor

_LONGEST = 4000  # characters of a statement that are kept


class Interrupted(Exception):
    """The run was interrupted, so no further statement is sent."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One executed statement, with its bind values as literals."""

    sql: str
    """Its first characters."""
    length: int
    """The number of its characters."""
    seconds: float
    error: str | None = None
    """The first line of the server's message, and its detail, if it failed."""


@dataclass
class Recorder:
    """The statements of all connections that use `cursor_factory`, in the order in which they ended."""

    statements: list[Statement] = field(default_factory=list)
    stopped: bool = False
    """True if the run was interrupted. Then each further statement raises `Interrupted`."""
    _finished: bool = False
    _running: set[Cursor] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cursor_factory(self) -> type[Cursor]:
        """Return a class of psycopg2's cursors that records here. Pass it to `create_engine` in `connect_args`."""
        recorder = self

        class RecordingCursor(Cursor):
            def execute(self, query: Any, vars: Any = None) -> None:
                recorder._execute(self, super().execute, query, vars)

        return RecordingCursor

    @property
    def mark(self) -> int:
        """Return the number of statements so far."""
        return len(self.statements)

    def since(self, mark: int) -> list[Statement]:
        """Return the statements after the first `mark` ones."""
        return self.statements[mark:]

    def last_failed(self, mark: int) -> Statement | None:
        """Return the last statement after the first `mark` ones that failed; None if all succeeded."""
        return next((one for one in reversed(self.since(mark)) if one.error), None)

    def stop(self) -> None:
        """End the statements that run, and refuse further ones, until `finish`. Another thread may call it."""
        with self._lock:
            if self._finished:
                return
            self.stopped, running = True, list(self._running)
        for cursor in running:
            with suppress(psycopg2.Error):  # the statement has ended, and its connection is closed
                cursor.connection.cancel()

    def finish(self) -> None:
        """Accept statements again, whatever happens: those that remove what the run has made."""
        with self._lock:
            self.stopped, self._finished = False, True

    def _execute(self, cursor: Cursor, execute: Callable[..., None], query: Any, vars: Any) -> None:
        with self._lock:
            if self.stopped:
                raise Interrupted
            self._running.add(cursor)
        began, reason = time.monotonic(), None
        try:
            execute(query, vars)
        except psycopg2.Error as error:
            reason = _reason(error)
            raise
        finally:
            sent = cursor.query.decode(errors="replace") if cursor.query else str(query)
            with self._lock:
                self._running.discard(cursor)
                self.statements.append(Statement(sent[:_LONGEST], len(sent), time.monotonic() - began, reason))


def _reason(error: psycopg2.Error) -> str:
    first = str(error).strip().split("\n")[0]
    return f"{first} {error.diag.message_detail}" if error.diag.message_detail else first
