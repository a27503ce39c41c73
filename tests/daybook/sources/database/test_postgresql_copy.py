"""A COPY ends when its reader stops, even if the server does not answer."""

import time

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.sources.database.postgresql_copy import Copy
from daybook.sql.connection import connect
from daybook.sql.postgresql_errors import read_error
from tests.support.servers.gate import gate
from tests.support.source_and_warehouse import Database

MANY = "COPY (SELECT repeat('x', 100) FROM (SELECT generate_series(1, 100000000)) AS n) TO STDOUT"


@pytest.mark.parametrize("silent", [False, True], ids=["a server that answers", "a silent server"])
def test_a_reader_that_stops(postgres_source: Database, silent: bool) -> None:
    url = make_url(postgres_source.url)
    with gate(url.host or "", url.port or 0) as way:
        if silent:
            way.hold(bytes=2_000_000)
        engine = create_engine(url.set(port=way.port), poolclass=NullPool)
        with connect(engine, read_error) as connection:
            chunks = Copy(connection, MANY).chunks()
            next(chunks)
            if silent:
                assert way.reached.wait(30)
            began = time.monotonic()
            chunks.close()
            assert time.monotonic() - began < 10
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'"
    deadline = time.monotonic() + 10
    while postgres_source.run(running, (MANY,)) != [(0,)]:
        assert time.monotonic() < deadline, "the server still runs the COPY"
        time.sleep(0.05)
