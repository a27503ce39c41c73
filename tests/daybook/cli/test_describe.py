"""`daybook describe`: what it prints and writes, and how it fails."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.cli.describe import main
from daybook.definitions.table_files import read_table
from daybook.errors import TableFileError
from daybook.model.dataset import NO_OWNER
from daybook.sources.database import Config
from tests.support.described_tables import Keys
from tests.support.servers.ports import free_port
from tests.support.source_and_warehouse import Database

ROOT = Path(__file__).resolve().parents[3]


def test_a_table_that_the_user_may_not_read(postgres_source: Database) -> None:
    """Its shape is anybody's to read in PostgreSQL; the first value of its cursor is not."""
    source = postgres_source
    source.run("CREATE TABLE orders (id int PRIMARY KEY, modified timestamp)")
    source.run("DROP ROLE IF EXISTS nobody_much")
    source.run("CREATE ROLE nobody_much LOGIN PASSWORD 'x'")
    try:
        url = make_url(source.url).set(username="nobody_much", password="x")
        other = Database(source.url, "public")
        other.engine = create_engine(url, poolclass=NullPool)
        with pytest.raises(SystemExit) as caught:
            main(["production", "public.orders"], keys=Keys(other))  # type: ignore[arg-type]
        assert "permission denied for table orders" in str(caught.value)
    finally:
        source.run("DROP ROLE nobody_much")


def test_a_file_is_written_and_never_overwritten(
    mysql_source: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mysql_source.run("CREATE TABLE orders (id int PRIMARY KEY)")
    source, keys = f"{mysql_source.namespace}.orders", Keys(mysql_source)
    main(["production", source], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    assert "columns:\n  id: integer" in capsys.readouterr().out and not list(tmp_path.iterdir())
    main(["production", source, "--write"], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    path = tmp_path / "raw_data" / "orders.yaml"
    assert str(path) in capsys.readouterr().out
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(SystemExit) as caught:
        main(["production", source, "--write"], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    assert "--force" in str(caught.value) and path.read_text().endswith("# mine\n")
    main(["production", source, "--write", "--force"], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    assert "# mine" not in path.read_text()
    main(["production", source, "--write", "--name", "shop.bought"], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(TableFileError, match="NAME_THE_TEAM_TO_ASK' is a placeholder"):
        read_table("shop.bought", tmp_path)
    (path := tmp_path / "shop" / "bought.yaml").write_text(path.read_text().replace(NO_OWNER, "tests"))
    assert read_table("shop.bought", tmp_path).key == ("id",)


def test_a_filter_and_a_query(source: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moment = "datetime" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE orders (id int PRIMARY KEY, country varchar(2), updated_at {moment} NOT NULL)")
    source.run("INSERT INTO orders VALUES (1, 'FR', '2020-01-01'), (2, 'DE', '2021-02-05')")
    keys, name = Keys(source), f"{source.namespace}.orders"

    def run(*given: str) -> str:
        assert main(["production", *given, "--owner", "us"], keys=keys, folder=tmp_path) == 0  # type: ignore[arg-type]
        return capsys.readouterr().out

    run(name, "--where", "country = 'DE' AND id > 1", "--write")
    table = read_table("raw_data.orders", tmp_path)
    assert isinstance(table.source, Config) and table.source.where == "country = 'DE' AND id > 1"
    assert str(table.start) == "2021-02-05", "the first day of the rows that the filter leaves"
    query = 'SELECT country, max(updated_at) AS "at"\nFROM orders\nGROUP BY country\n'.replace('"', "")
    run("--query", query, "--where", "country <> 'X'", "--name", "raw_data.countries", "--write")
    table = read_table("raw_data.countries", tmp_path)
    assert isinstance(table.source, Config) and (table.source.query, table.source.table) == (query, ())
    assert [*(table.columns or ())] == ["country", "at"] and table.load == "replace"
    assert "a view has no key" in (tmp_path / "raw_data/countries.yaml").read_text("utf-8")
    (found,) = json.loads(run("--query", query, "--name", "raw_data.c", "--json"))["tables"]
    assert (found["name"], found["query"], found["load"], found["written"]) == ("raw_data.c", query, "replace", False)
    bounded = "SELECT id, updated_at AS created_at FROM orders WHERE updated_at >= {start} AND updated_at < {end}"
    run("--query", bounded, "--name", "raw_data.bounded", "--write")
    table = read_table("raw_data.bounded", tmp_path)
    assert (table.load, table.cursor, str(table.start)) == ("replace_interval", "created_at", "2020-01-01")
    text = run("--query", bounded.replace("created_at", "moment"), "--name", "raw_data.bounded")
    assert "# the bounds in the query need cursor: and interval:" in text
    for given, said in [
        (["--query", query], "a query has no name: add --name"),
        (["--query", "DELETE FROM orders", "--name", "a.b"], "query: expected SELECT … or WITH … SELECT …"),
        ([name, "--where", "id = 1; DROP TABLE orders"], "where: "),
        ([name, "--where", "nothing = 1"], "the source does not accept where:"),
    ]:
        with pytest.raises(SystemExit, match=re.escape(said)):
            main(["production", *given], keys=keys, folder=tmp_path)  # type: ignore[arg-type]
    for wrong in (
        ["production"],
        ["production", name, "--query", "SELECT 1 AS a"],
        ["production", "a.*", "--where", "b"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(wrong, keys=keys, folder=tmp_path)  # type: ignore[arg-type]
        assert caught.value.code == 2


@pytest.mark.servers
def test_without_a_prefect_server_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    away = {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "daybook.describe", "production", "prod.orders"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | away, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ServerUnreachable: no Prefect server answers" in done.stderr and "Traceback" not in done.stderr
