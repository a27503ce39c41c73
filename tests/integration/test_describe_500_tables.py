"""500 tables of a source are described and read in seconds."""

import time
from pathlib import Path

import pytest

from daybook.cli.describe import main
from daybook.definitions.registry import datasets
from tests.support.described_tables import Keys
from tests.support.source_and_warehouse import Database

pytestmark = pytest.mark.full


def test_500_tables(source: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moment = "datetime" if source.is_mysql else "timestamp"
    texts = ", ".join(f"c{number} varchar(30)" for number in range(8))
    for number in range(500):
        columns = f"id int PRIMARY KEY, created_at {moment} NOT NULL, updated_at {moment} NOT NULL, {texts}"
        source.run(f"CREATE TABLE t{number} ({columns})")
        if number % 2:
            source.run(f"CREATE INDEX i{number} ON t{number} (updated_at)")
        source.run(f"INSERT INTO t{number} (id, created_at, updated_at) VALUES (1, '2021-02-05', '2021-02-06')")
    began = time.monotonic()
    keys = Keys(source)
    given = ["production", f"{source.namespace}.*", "--owner", "us", "--write"]
    assert main(given, keys=keys, folder=tmp_path) == 0  # type: ignore[arg-type]
    described = time.monotonic() - began
    out = capsys.readouterr().out
    assert "  500  upsert, likely" in out and len(out.splitlines()) < 10
    began = time.monotonic()
    tables, problems = datasets(tmp_path)
    read = time.monotonic() - began
    began = time.monotonic()
    datasets(tmp_path)
    print(
        f"500 tables: described in {described:.1f} s, read in {read:.1f} s, again in {time.monotonic() - began:.2f} s"
    )
    assert len(tables) == 500 and not problems
    assert described < 20
