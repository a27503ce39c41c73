"""Rows whose cursor no interval reaches: loads of intervals leave them out, and each says so."""

import pytest

from tests.support.audited_tables import FIRST
from tests.support.source_and_warehouse import Endpoints

FAR = {
    "postgres": ["infinity", "-infinity", "20210-01-01", "9999-12-31", "0001-01-01", "0044-03-15 BC"],
    "mysql": ["9999-12-31", "0001-01-01", "0000-05-03"],
}


def warned(ends: Endpoints, caplog: pytest.LogCaptureFixture, kind: str, *moments: str) -> str:
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {kind})")
    ends.source.run("CREATE INDEX things_at ON things (at)")
    ends.source.insert("things", [*enumerate(moments)])
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day", start=FIRST.date())
    caplog.clear()
    ends.load(table, "2021-02-05")
    return caplog.text


@pytest.mark.parametrize("from_postgres", ["postgres-folder"], indirect=True)
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_cursors_of_postgres(from_postgres: Endpoints, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    text = warned(from_postgres, caplog, kind, "2021-02-05", "9998-12-31", *FAR["postgres"])
    assert "cursor at is before the year 2 or after 9998, such as infinity (6)" in text


@pytest.mark.parametrize("from_mysql", ["postgres-folder"], indirect=True)
@pytest.mark.parametrize("kind", ["date", "datetime(6)"])
def test_cursors_of_mysql(from_mysql: Endpoints, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    text = warned(from_mysql, caplog, kind, "2021-02-05", "9998-12-31", *FAR["mysql"])
    assert "cursor at is before the year 2 or after 9998, such as infinity (3)" in text


def test_usual_cursors(from_postgres: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    assert "before the year 2" not in warned(from_postgres, caplog, "date", "2021-02-05", "2021-02-06")
