"""The sessions that the demo invents, in a real database, and loaded by the table files of the example project."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from daybook.definitions.table_files import read_table
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from daybook.orchestration.local_stack.demo.session_data import FIRST_DAY, make_sessions, sessions
from daybook.stage.folder import FolderStage
from tests.support.servers.postgres import Postgres
from tests.support.source_and_warehouse import Database, warehouse_of


@pytest.fixture
def warehouse_database(postgres: Postgres) -> Iterator[Database]:
    with postgres.database() as url:
        yield Database(url, "raw_data")


@pytest.mark.parametrize("kind", ["postgres", "mariadb", "mysql"])
def test_the_table_files_load_what_the_demo_made(
    kind: str, request: pytest.FixtureRequest, warehouse_database: Database, tmp_path: Path
) -> None:
    server = request.getfixturevalue(kind)
    with server.database() as url:
        source = Database(url, "prod")
        existed = source.run("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'prod'")
        engine = create_engine(url, poolclass=NullPool)
        until = date(2024, 11, 20)
        with engine.begin() as connection:
            first = make_sessions(connection, date(2024, 11, 10))
        with engine.begin() as connection:
            more = make_sessions(connection, until)
            assert make_sessions(connection, until) == 0  # nothing has gone by since
        wanted = list(sessions(FIRST_DAY, 20))
        assert first > 0 and more > 0 and first + more == len(wanted)

        class Keys:
            def engine(self, name: str) -> object:
                assert name == "production"
                return source.engine

        warehouse, stage = warehouse_of(warehouse_database), FolderStage(tmp_path)
        for name, rows in (
            ("user_session_channel", [(s.userid, s.sessionid, s.channel) for s in wanted]),
            ("session_timestamp", [(s.sessionid, s.ts) for s in wanted]),
            ("session_transaction", [(s.sessionid, *each) for s in wanted for each in s.bought]),
        ):
            table = read_table(f"raw_data.{name}")
            planned = plan(table, FIRST_DAY, date(2024, 11, 21)) if table.load == "replace_interval" else plan(table)
            for _ in range(2):
                report = load(extract(planned, Keys(), warehouse, stage), warehouse, stage)  # type: ignore[arg-type]
                assert report.rows == len(rows)
                assert sorted(warehouse_database.run(f"SELECT * FROM raw_data.{name}")) == sorted(rows)
        if kind != "postgres":  # its databases are not within the test's, and other tests use prod too
            for name in ("user_session_channel", "session_timestamp", "session_transaction"):
                source.run(f"DROP TABLE prod.{name}")
            if not existed:
                source.run("DROP SCHEMA prod")
