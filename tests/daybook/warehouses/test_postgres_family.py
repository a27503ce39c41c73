"""A warehouse that hangs instead of refusing fails in time, so that the monitor can say so."""

import contextlib
import socket

import pytest
from sqlalchemy import NullPool, create_engine

from daybook.sql.database_error import DatabaseError
from daybook.warehouses.redshift import WAREHOUSE
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import Redshift


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        engine = create_engine(f"postgresql://user:x@127.0.0.1:{silent.getsockname()[1]}/warehouse", poolclass=NullPool)
        warehouse = open_warehouse(engine)
        warehouse.set_timeouts(2)
        with pytest.raises(DatabaseError, match="timeout expired"), warehouse.session():
            pass


@pytest.mark.parametrize("kind", ["postgres", "redshift"])
def test_a_statement_that_waits_for_a_lock_is_given_up(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Postgres | Redshift = request.getfixturevalue(kind)
    monkeypatch.setattr(WAREHOUSE, "patience", 1)
    with contextlib.ExitStack() as stack:
        url = server.url if isinstance(server, Redshift) else stack.enter_context(server.database())
        engine = create_engine(url, poolclass=NullPool)
        warehouse = open_warehouse(engine, copy_iam_role="arn:aws:iam::1:role/x" if kind == "redshift" else None)
        warehouse.set_timeouts(2)
        with warehouse.session() as holds, warehouse.session() as waits:
            holds.run("CREATE TABLE public.impatient (id int)")
            try:
                holds.run("BEGIN")
                holds.run("LOCK TABLE public.impatient")
                with pytest.raises(Exception, match="statement timeout"):
                    waits.rows("SELECT * FROM public.impatient")
            finally:
                holds.run("ROLLBACK")
                holds.run("DROP TABLE public.impatient")


def test_the_wait_in_a_queue_of_redshift_is_no_hang(redshift: Redshift) -> None:
    """Redshift's statement_timeout counts it (dg/r_statement_timeout.html)."""
    warehouse = open_warehouse(create_engine(redshift.url, poolclass=NullPool), copy_iam_role="arn:aws:iam::1:role/x")
    warehouse.set_timeouts(1)
    with (
        redshift.faults({"match": "^SELECT 1", "action": "queue", "seconds": 1.2, "times": 2}),
        warehouse.session() as session,
    ):
        assert session.one("SELECT 1") == 1
        with warehouse.waiting_at_most(session, 500):
            assert session.one("SELECT 1") == 1
