"""`daybook summary`: what an analyst sees, in plain words, and never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from daybook.cli.summary import main
from daybook.sql import retries
from tests.support.summary_cli import Desk

Run = Callable[..., tuple[int, str]]

CASE = """
description: A day's answers are added up.
given:
  {raw}.answers:
    - {id: 1, at: 2021-02-05 10:00:00, score: 9}
    - {id: 2, at: 2021-02-05 23:59:59, score: 1}
expect:
  - {day: 2021-02-05, answers: 2, total: TOTAL}
"""


@pytest.fixture
def run(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type the command. Returns how it exits, and all that it says."""
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-06 10:00", 3), load="2021-02-05", until="2021-02-07")
    folder = tmp_path / desk.raw
    folder.mkdir()
    (folder / "per_day.sql").write_text(desk.summary().sql, encoding="utf-8")
    fields = "description: One row a day.\nowner: tests\nkey: [day]\ninterval: day\ncursor: day\n"
    (folder / "per_day.yaml").write_text(fields, encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str]:
        code: object = 0
        try:
            main(list(arguments), "daybook summary", lambda: desk.ends.warehouse, tmp_path, tmp_path / "cases")
        except SystemExit as error:
            code = error.code
        printed = capsys.readouterr()
        said = printed.out + printed.err + (code if isinstance(code, str) else "")
        assert "Traceback" not in said
        return (1 if isinstance(code, str) else int(code or 0)), said

    return run


def test_each_command(desk: Desk, run: Run, tmp_path: Path) -> None:
    assert run("check", "per_day") == (
        0,
        f"{desk.raw}.per_day is valid. It reads {desk.raw}.answers\nand returns day, answers, total\n",
    )
    code, said = run("preview", str(tmp_path / desk.raw / "per_day.sql"))
    assert code == 0
    assert [line.split() for line in said.splitlines() if "2021" in line] == [
        ["2021-02-05", "1", "9"],
        ["2021-02-06", "1", "3"],
    ]
    assert "2 rows in total" in said
    assert desk.run("SELECT count(*) FROM pg_tables WHERE tablename = 'per_day'") == [(0,)]
    code, said = run("build", f"{desk.raw}.per_day")
    assert (code, f"{desk.raw}.per_day: 2 rows, all of it (it was never built before)" in said) == (0, True)
    assert len(desk.rows("per_day")) == 2
    code, said = run("build", "per_day")
    assert (code, "nothing to do" in said, "--full-refresh" in said) == (0, True, True)
    assert "requested" in run("build", "per_day", "--full-refresh")[1]


@pytest.mark.parametrize(("total", "code", "words"), [("10", 0, "1 passed, 0 failed"), ("11", 1, "0 passed, 1 failed")])
def test_cases(desk: Desk, run: Run, tmp_path: Path, total: str, code: int, words: str) -> None:
    folder = tmp_path / "cases" / desk.raw / "per_day"
    folder.mkdir(parents=True)
    (folder / "sum.yaml").write_text(CASE.replace("{raw}", desk.raw).replace("TOTAL", total), encoding="utf-8")
    exited, said = run("test", "per_day")
    assert (exited, words in said, said.count("A day's answers are added up.")) == (code, True, 1)


def test_a_case_that_cannot_be_run_has_failed_and_the_others_are_run(desk: Desk, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "cases" / desk.raw / "per_day"
    folder.mkdir(parents=True)
    good = CASE.replace("{raw}", desk.raw).replace("TOTAL", "10")
    for name, text in {
        "a": good.replace("scor", "skor"),
        "b": good.replace("id: 1", "id: one"),
        "c": good,
        "d": "x",
    }.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    code, said = run("test", "per_day")
    assert (code, "1 passed, 3 failed" in said) == (1, True), said
    assert [
        word
        for word in ("'skore'; did you mean 'score'?", "refuses a row", "one", "must contain fields")
        if word not in said
    ] == []


def test_rows_are_shown_as_they_are(desk: Desk, run: Run, tmp_path: Path) -> None:
    sql = f"select '[/] [red]x :smile:' as day, id as \"[b]\" from {desk.raw}.answers where id = 1"
    (tmp_path / desk.raw / "per_day.sql").write_text(sql, encoding="utf-8")
    (tmp_path / desk.raw / "per_day.yaml").write_text("description: x\nowner: x\nkey: day\n", encoding="utf-8")
    code, said = run("preview", "per_day")
    assert (code, "[/] [red]x :smile:" in said, "[b]" in said) == (0, True, True), said


@pytest.mark.parametrize(
    ("command", "table", "sql", "words"),
    [
        ("check", "per_dya", None, ["per_dya", "did you mean", "per_day"]),
        ("check", "per_day", "select day from nowhere.at_all", ["per_day.sql", "nowhere.at_all"]),
        ("check", "per_day", "select answrs from {raw}.answers", ["per_day.sql", "answrs"]),
        ("check", "per_day", "drop table {raw}.answers", ["DROP", "SELECT"]),
        ("check", "per_day", "select 'x'::int as day from {raw}.answers", ["per_day", "line 1 of per_day.sql", "x"]),
        ("preview", "per_day", "select 1 / (id - id) as day from {raw}.answers", ["division by zero"]),
        ("test", "per_day", None, ["no cases", "cases"]),
        ("build", "per_day", "select date '2021-02-05' as day from {raw}.answers", ["have the same key", "kept as"]),
    ],
    ids=[
        "a name",
        "a table",
        "a column",
        "no SELECT",
        "what the database refuses",
        "rows that cannot be made",
        "no cases",
        "two rows of a key",
    ],
)
def test_what_is_wrong_is_said(
    desk: Desk, run: Run, tmp_path: Path, command: str, table: str, sql: str | None, words: list[str]
) -> None:
    if sql:
        (tmp_path / desk.raw / "per_day.sql").write_text(sql.replace("{raw}", desk.raw), encoding="utf-8")
    code, said = run(command, table)
    assert (code, [word for word in words if word not in said]) == (1, []), said


def test_a_warehouse_that_is_down_is_said(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    nowhere = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none", poolclass=NullPool)
    monkeypatch.setattr(desk.ends.warehouse, "_engine", nowhere)
    code, said = run("preview", "per_day")
    assert (code, "refused" in said) == (1, True)
