"""Iterate over the chunks of PostgreSQL's COPY TO STDOUT."""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from daybook.sql.network_limits import shut
from daybook.stage.csv_format import Chunk

_CHUNK = 1 << 19


class Copy:
    """A COPY TO STDOUT as an iterator. It runs in a thread, since the driver writes the rows to a file object."""

    def __init__(self, connection: Any, statement: str) -> None:
        self.rows, self.sent = 0, -1
        self._connection, self._statement = connection, statement
        self._queue: queue.Queue[Chunk | BaseException | None] = queue.Queue(maxsize=4)
        self._abandoned = self._over = False
        self._pending: list[bytes] = []
        self._size = 0

    def write(self, row: bytes) -> int:
        """Accept one row from the driver. The server sends one CopyData message per row."""
        self._pending.append(row)
        self._size += len(row)
        if self._size >= _CHUNK:
            self._flush()
        return len(row)

    def _flush(self) -> None:
        if self._abandoned:
            raise BrokenPipeError("the reader has stopped")
        if self._pending:
            self.rows += len(self._pending)
            self._queue.put(Chunk(b"".join(self._pending), len(self._pending)))
            self._pending, self._size = [], 0

    def _run(self) -> None:
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(self._statement, self)
                self._flush()
                self.sent = cursor.rowcount
            self._over = True
            self._queue.put(None)
        except BaseException as error:
            self._over = True
            self._queue.put(error)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks until the COPY ends. If the caller stops early, shut the connection, which ends the COPY."""
        thread = threading.Thread(target=self._run, name="copy-to-stdout", daemon=True)
        thread.start()
        try:
            while (item := self._queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._abandoned = True
            if not self._over:
                # Not cancel(): psycopg2 stops all threads of the process while it waits for the server's answer.
                shut(self._connection)
            while thread.is_alive():
                with suppress(queue.Empty):
                    self._queue.get(timeout=0.1)
            thread.join()
