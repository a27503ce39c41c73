"""A wrong password is refused before a block is saved, and a database out of reach is a note."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL, make_url

from daybook.orchestration.blocks.database_url import check_logins
from daybook.orchestration.blocks.declaration import DatabaseAddress
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import Redshift

pytestmark = pytest.mark.servers


def warehouse(url: URL) -> DatabaseAddress:
    return DatabaseAddress("warehouse", "DAYBOOK_WAREHOUSE_URL", url, exclusive=True)


def source(url: URL) -> DatabaseAddress:
    return DatabaseAddress("production", "DAYBOOK_PRODUCTION_URL", url, exclusive=False)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[URL]:
    with postgres.database() as url:
        yield make_url(url)


def test_logins_to_postgresql(postgres_url: URL) -> None:
    assert check_logins([warehouse(postgres_url), source(postgres_url)]) == ([], [])

    wrong = postgres_url.set(password="hunter2")
    problems, notes = check_logins([warehouse(wrong), source(wrong), source(postgres_url.set(database="absent"))])
    assert notes == [] and len(problems) == 3
    assert (
        problems[0].startswith("DAYBOOK_WAREHOUSE_URL: postgresql") and "password authentication failed" in problems[0]
    )
    assert problems[0].endswith("Correct it, or save it all the same with --no-check")
    assert problems[1].startswith("DAYBOOK_PRODUCTION_URL: ") and 'database "absent" does not exist' in problems[2]
    assert "hunter2" not in str(problems)

    problems, (note,) = check_logins([source(postgres_url.set(port=free_port()))])
    assert problems == [] and "this machine cannot reach" in note and "(a worker may)" in note


def test_logins_to_redshift(redshift: Redshift) -> None:
    user = f"u_{secrets.token_hex(4)}"
    url = make_url(redshift.url).set(username=user, password="hunter2")
    with redshift.estate(users={user: {"password": "right"}}):
        ((problem,), notes) = check_logins([warehouse(url)])
    assert "password authentication failed" in problem and "hunter2" not in problem and notes == []


def test_a_login_with_iam_is_left_to_doctor() -> None:
    url = make_url("redshift+psycopg2://loader@wh.example:5439/dwh?iam=true")
    problems, (note,) = check_logins([warehouse(url)])
    assert problems == [] and note.endswith("run `daybook doctor`")
