"""A result of MySQL that is not read to its end: PyMySQL does not read on later, and prints nothing."""

import gc
from collections.abc import Iterator

import pytest

from daybook.errors import SourceError, SourceLost, ValueRefused
from daybook.sources.base import Span
from daybook.sources.database import mysql_wire
from daybook.sql import retries
from tests.support.faulty_network import DAY, FAULTS, Network, make, net

__all__ = ["net"]
pytestmark = [
    # An exception in `__del__` is an error of the test.
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.parametrize("net", ["mariadb-postgres-folder"], indirect=True),
]
PACKET = 1 << 16


@pytest.fixture(autouse=True)
def small_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read the result in many pieces."""
    monkeypatch.setattr(mysql_wire, "_READ", 4_000)
    yield
    gc.collect()


def test_a_load_that_is_refused(net: Network) -> None:
    """The first row has a value that no warehouse takes, and the others are not read."""
    table = make(net.ends)
    net.ends.source.run("UPDATE things SET word = CONCAT('a', CHAR(0)) WHERE id = 0")
    with pytest.raises(ValueRefused):
        net.ends.load(table, DAY)


def test_a_row_that_the_server_cannot_send(net: Network) -> None:
    table = make(net.ends)
    source = net.ends.source
    source.run("ALTER TABLE things MODIFY word mediumtext")
    source.run("UPDATE things SET word = REPEAT('x', 60000) WHERE id = 500")
    source.run("UPDATE things SET word = CONCAT(word, word) WHERE id = 500")
    ((usual,),) = source.run("SELECT @@GLOBAL.max_allowed_packet")
    source.run(f"SET GLOBAL max_allowed_packet = {PACKET}")
    try:
        with pytest.raises(SourceError, match="max_allowed_packet"):
            net.ends.load(table, DAY)
    finally:
        source.run(f"SET GLOBAL max_allowed_packet = {usual}")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_that_is_lost(net: Network, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    table = make(net.ends)
    net.source.slow(0, 4096)
    net.source.hold(bytes=40_000, **FAULTS[fault] | {"always": True})
    with pytest.raises(SourceLost):
        net.through.load(table, DAY)


def test_a_connection_that_is_closed_before_the_rows_are_dropped(net: Network) -> None:
    """The garbage collector may delete PyMySQL's result before the iterator of the rows."""
    table = make(net.ends)
    with table.source.open(table, net.ends) as source:
        rows = iter(source.rows(source.columns(), Span(), net.ends.warehouse.csv_format()))
        next(rows)
    source._connection._result.__del__()
    del rows
