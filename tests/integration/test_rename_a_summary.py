"""`daybook rename` of a summary: its table, history, files and test cases. The next build builds all of it."""

from pathlib import Path
from typing import Any, cast

import pytest

from daybook.cli.tables import rename
from daybook.definitions.summary_files import read_summary
from tests.integration.test_lifecycle_of_groups import Fakes
from tests.support.summary_cli import Desk, days


@pytest.fixture
def folder(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the tables of a project with a summary per day, and another one that reads it."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    summaries, cases = tmp_path / "tables" / desk.raw, tmp_path / "tests/tables" / desk.raw / "per_day"
    summaries.mkdir(parents=True)
    cases.mkdir(parents=True)
    (cases / "a.yaml").write_text("description: x\n", encoding="utf-8")
    for name in ("per_day", "total"):
        text = "description: x\nowner: us\nkey: [day]\n" + "interval: day\ncursor: day\n" * (name == "per_day")
        (summaries / f"{name}.yaml").write_text(text, encoding="utf-8")
    (summaries / "per_day.sql").write_text(desk.summary().sql, encoding="utf-8")
    (summaries / "total.sql").write_text(f"select max(day) as day from {desk.raw}.per_day", encoding="utf-8")
    return tmp_path / "tables"


def test_a_summary_is_renamed(desk: Desk, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = f"{desk.raw}.per_day", f"{desk.raw}.daily"
    desk.answer((1, "2021-02-05 10:00", 5), load="2021-02-05")
    desk.build(read_summary(old, folder))
    rows = desk.rows("per_day")
    assert len(rows) == 1

    assert rename.main([old, new, "--yes"], "daybook", cast(Any, Fakes(desk.ends)), folder) == 0
    said = capsys.readouterr().out
    for name in ("daily.yaml", "daily.sql"):
        assert f"Its file is {folder / desk.raw / name}" in said
    cases = folder.parent / "tests/tables" / desk.raw / "daily"
    assert f"Its test cases are in {cases}." in said and (cases / "a.yaml").is_file()
    assert f"{desk.raw}.total reads {old}: change its name in" in said and "The next build builds all of it" in said
    assert sorted(path.name for path in (folder / desk.raw).iterdir()) == [
        *("daily.sql", "daily.yaml", "total.sql", "total.yaml"),
    ]
    assert desk.rows("daily") == rows and desk.ledger("daily")

    desk.answer((2, "2021-02-06 10:00", 7), load="2021-02-06")
    assert desk.build(read_summary(new, folder)).label == "all of it"
    assert [answers for _, answers, _ in desk.rows("daily")] == [1, 1]
    desk.answer((3, "2021-02-07 10:00", 7), load="2021-02-07")
    assert days(desk.build(read_summary(new, folder))) == ["2021-02-07"], "then it is incremental again"
