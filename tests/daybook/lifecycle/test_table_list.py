"""`daybook tables`: states by file and ledger, patterns, JSON, and what is shown without the warehouse."""

import json
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daybook.cli.tables.list import main
from daybook.errors import WarehouseLost
from daybook.ledger.ledger import Coverage
from daybook.lifecycle.table_list import Known, listed
from daybook.orchestration.lifecycle import retrying_runs

NOW = datetime(2021, 2, 9, 12, tzinfo=UTC)
INTERVALS = "load: replace_interval\ncursor: at\ninterval: day\nstart: 2021-02-01\n"
FILES = {
    "current": INTERVALS,
    "behind": INTERVALS,
    "late": INTERVALS + "due: 10:00\nschedule: 6h\n",
    "failed": INTERVALS,
    "never": INTERVALS,
    "whole": "load: replace\n",
    "first": INTERVALS,
    "latest": INTERVALS + "catch_up: latest\n",
    "invalid": "load: nonsense\n",
}


START = datetime(2021, 2, 1, tzinfo=UTC)


def cover(until: datetime, loaded_at: datetime = NOW, since: datetime = START) -> Coverage:
    return Coverage(loaded_at, until, loaded_at, since)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    for name, text in FILES.items():
        common = "description: x\nowner: data\nsource: {kind: database, table: a.b}\n"
        (tmp_path / f"raw/{name}.yaml").write_text(common + text, encoding="utf-8")
    return tmp_path


KNOWN = Known(
    {
        "raw.current": cover(datetime(2021, 2, 9, tzinfo=UTC)),
        "raw.behind": cover(datetime(2021, 2, 7, tzinfo=UTC)),
        "raw.late": cover(datetime(2021, 2, 8, tzinfo=UTC)),
        "raw.failed": cover(datetime(2021, 2, 9, tzinfo=UTC)),
        "raw.whole": cover(NOW),
        "raw.first": cover(datetime(2021, 2, 9, tzinfo=UTC), since=datetime(2021, 2, 8, tzinfo=UTC)),
        "raw.latest": cover(datetime(2021, 2, 9, tzinfo=UTC), since=datetime(2021, 2, 8, tzinfo=UTC)),
        "old.gone": cover(datetime(2020, 1, 1, tzinfo=UTC)),
    },
    {"raw.failed": NOW + timedelta(minutes=1)},
)


def test_the_state_of_each_table(folder: Path) -> None:
    rows = {row.name: row for row in listed(KNOWN, NOW, folder=folder)}
    assert {name: (row.kind, row.state, row.last_interval) for name, row in rows.items()} == {
        "old.gone": ("no file", "loaded", "2020-01-01 00:00"),
        "raw.behind": ("database", "behind", "2021-02-06"),
        "raw.current": ("database", "loaded", "2021-02-08"),
        "raw.failed": ("database", "failed", "2021-02-08"),
        "raw.first": ("database", "no history", "2021-02-08"),
        "raw.invalid": ("?", "invalid file", ""),
        "raw.late": ("database", "late", "2021-02-07"),
        "raw.latest": ("database", "loaded", "2021-02-08"),
        "raw.never": ("database", "never loaded", ""),
        "raw.whole": ("database", "loaded", "all of it"),
    }
    late = rows["raw.late"]
    assert (late.due, late.owner) == ("10:00 UTC", "data") and late.schedule and "6h" in late.schedule


def test_a_failure_counts_if_it_is_newer_than_the_last_load() -> None:
    before, later = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    found = KNOWN.with_failures({"raw.current": before, "raw.whole": later, "raw.never": later, "raw.failed": later})
    since = {"raw.failed": NOW + timedelta(minutes=1), "raw.whole": later, "raw.never": later}
    assert found.failed_since == since, "of raw.failed, the first failure is known already"


class Answering:
    """A warehouse and a server whose answers the test gives."""

    def __init__(self) -> None:
        self.warehouse = self.server = nullcontext


def test_the_list_says_since_when_a_table_fails(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(seconds=1)
    monkeypatch.setattr("daybook.cli.tables.list.read_ledger", lambda warehouse: KNOWN)
    monkeypatch.setattr(retrying_runs, "failed_before_retry", lambda client: {"raw.whole": later})
    assert main(["--state", "failed"], "daybook tables", Answering(), folder) == 0  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert "failed since 2021-02-09 12:01" in printed and "failed since 2021-02-09 12:00" in printed
    assert printed.splitlines()[-1] == "2 tables"
    assert main(["--json", "whole", "current"], "daybook tables", Answering(), folder) == 0  # type: ignore[arg-type]
    assert [(row["name"], row["failed_since"]) for row in json.loads(capsys.readouterr().out)] == [
        ("raw.current", None),
        ("raw.whole", later.isoformat()),
    ]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["old.*"], ["old.gone"]),
        (["late", "raw.w*"], ["raw.late", "raw.whole"]),
        (["*ail*"], ["raw.failed"]),
        (["x"], []),
    ],
)
def test_patterns(folder: Path, patterns: list[str], names: list[str]) -> None:
    assert [row.name for row in listed(KNOWN, NOW, patterns, folder)] == names


class Unreachable:
    def warehouse(self) -> None:
        raise WarehouseLost("reading the ledger: nobody answers")


def test_without_the_warehouse_the_files_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "never", "old.*"], "daybook tables", Unreachable(), folder) == 1  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert [(row["name"], row["state"]) for row in json.loads(said.out)] == [("raw.never", "unknown")]
    assert "The ledger was not read, so states are unknown. WarehouseLost: reading the ledger: nobody" in said.err
    assert main(["--state", "unknown"], "daybook tables", Unreachable(), folder) == 1  # type: ignore[arg-type]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:3] == ["table", "kind", "state"] and printed[-1] == "8 tables"


@pytest.mark.full
def test_500_tables_are_listed_in_3_seconds(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    text = "description: x\nowner: data\nsource: {kind: database, table: a.b}\n" + FILES["late"]
    for number in range(500):
        (tmp_path / f"raw/t{number}.yaml").write_text(text, encoding="utf-8")
    known = Known({f"raw.t{n}": cover(datetime(2021, 2, 8, tzinfo=UTC)) for n in range(500)}, {})
    began = time.perf_counter()
    assert len(listed(known, NOW, folder=tmp_path)) == 500
    assert time.perf_counter() - began < 3
