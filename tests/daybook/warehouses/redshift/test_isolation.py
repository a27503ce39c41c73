"""The warning about a SERIALIZABLE database, once a process."""

import pytest
from sqlalchemy import NullPool, create_engine

from daybook.warehouses.redshift import isolation
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import IAM_ROLE, Redshift


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_asked", set())


def lock_twice(server: Redshift) -> None:
    warehouse = open_warehouse(create_engine(server.url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
    for _ in range(2):
        with warehouse.session() as session:
            assert not warehouse.begin_locked(session, "public.absent")
            session.run("ROLLBACK")


def test_a_serializable_database(redshift_serializable: Redshift, caplog: pytest.LogCaptureFixture) -> None:
    lock_twice(redshift_serializable)
    assert caplog.text.count('ALTER DATABASE "dev" ISOLATION LEVEL SNAPSHOT') == 1


def test_a_snapshot_database(redshift: Redshift, caplog: pytest.LogCaptureFixture) -> None:
    lock_twice(redshift)
    assert "ISOLATION LEVEL" not in caplog.text


def test_a_user_who_may_not_read_it(redshift_serializable: Redshift, caplog: pytest.LogCaptureFixture) -> None:
    denied = {"match": "svv_redshift_databases", "action": "error", "sqlstate": "42501", "message": "permission denied"}
    with redshift_serializable.faults(denied):
        lock_twice(redshift_serializable)
    assert "ISOLATION LEVEL" not in caplog.text
