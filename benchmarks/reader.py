"""Read a table in a loop while it is loaded, as a dashboard does, and keep what the reader has seen."""

import contextlib
import threading
import time
from dataclasses import dataclass

import psycopg2

from benchmarks import warehouse


@dataclass(frozen=True)
class Seen:
    """What a reader saw in a loop of `select count(*)`."""

    reads: int
    longest: float
    """The seconds of the longest read."""
    fewest: int
    """The smallest count. It is 0 if the table was empty, and -1 if it did not exist."""
    most: int


class Reader(threading.Thread):
    """Read `select count(*)` of a table in a loop, as a context manager. `seen` is what it saw."""

    def __init__(self, url: str, table: str) -> None:
        super().__init__(daemon=True)
        self._url, self._table = url, table
        self._ended = threading.Event()
        self._counts: list[tuple[float, int]] = []

    @property
    def seen(self) -> Seen:
        """Return what the reader has seen."""
        counts = [count for _, count in self._counts]
        return Seen(len(counts), max(seconds for seconds, _ in self._counts), min(counts), max(counts))

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        with contextlib.closing(warehouse.connect(self._url)) as connection:
            connection.autocommit = True
            while not self._counts or not self._ended.is_set():
                began = time.perf_counter()
                with connection.cursor() as cursor:
                    try:
                        cursor.execute(f"SELECT count(*) FROM {self._table}")
                        ((count,),) = cursor.fetchall()
                    except psycopg2.errors.UndefinedTable:
                        count = -1
                self._counts.append((time.perf_counter() - began, count))
