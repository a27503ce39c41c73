"""Row-level security hides rows from the source's user: each load says so."""

import secrets

import pytest
from sqlalchemy import make_url

from tests.support.audited_tables import FIRST
from tests.support.source_and_warehouse import Database, Endpoints


@pytest.mark.parametrize("from_postgres", ["postgres-folder"], indirect=True)
@pytest.mark.parametrize("by_interval", [True, False])
def test_a_load_warns_of_rows_that_its_user_may_not_see(
    from_postgres: Endpoints, by_interval: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ends, reader = from_postgres, f"reader_{secrets.token_hex(4)}"
    owner = ends.source
    owner.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp); CREATE INDEX ON things (at)")
    owner.run("INSERT INTO things SELECT n, '2021-02-05' FROM generate_series(1, 10) AS n")
    owner.run("ALTER TABLE things ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON things USING (id <= 4)")
    owner.run(f"CREATE ROLE {reader} LOGIN PASSWORD 'x'; GRANT SELECT ON things TO {reader}")
    fields = {"load": "upsert", "key": ["id"], "cursor": "at", "interval": "day", "start": FIRST.date()}
    table = ends.table(**(fields if by_interval else {}))
    day = ["2021-02-05"] if by_interval else []
    try:
        assert ends.load(table, *day).rows == 10
        assert "row-level security" not in caplog.text, "the owner sees all rows"
        ends.source = Database(
            make_url(owner.url).set(username=reader, password="x").render_as_string(hide_password=False), "public"
        )
        assert ends.load(table, *day, allow_shrink=True).rows == 4
        assert (
            "raw.things: row-level security of public.things applies to the user of block 'production'" in caplog.text
        )
    finally:
        owner.run(f"DROP OWNED BY {reader}; DROP ROLE {reader}")
