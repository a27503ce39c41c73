"""Test cases of a summary run on both warehouses, leave nothing behind, and show the differences."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.errors import BuildFailed, TableFileError
from daybook.model.distant_time import DistantTime
from daybook.model.types import Type
from daybook.summaries.parse.lineage import read
from daybook.summaries.testing.cases import Case, case_files, read_case, run_case
from daybook.summaries.testing.fixtures import declared_types
from daybook.summaries.testing.result_diff import differences, same
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import Database, warehouse_of

SQL = """-- how many answers a day, and their mean
with answers as (select created_at, raw.nps.score from raw.nps where score is not null)
select cast(created_at as date) as day, count(*) as answers, round(avg(cast(score as decimal(9, 4))), 2) as mean
from answers group by 1;
"""
TYPES = {"raw.nps": {"created_at": Type("timestamp"), "score": Type("smallint"), "word": Type("varchar", 40)}}


@dataclass
class Desk:
    """A warehouse with a table that has the name of the summary's input but other columns, and a session for cases."""

    database: Database
    warehouse: Warehouse
    session: Session

    def run(self, sql: str = SQL, types: Any = TYPES, columns: Any = None, **case: Any) -> str | None:
        fields: dict[str, Any] = {"interval": "day", "cursor": "day"} if "{start}" in sql else {}
        key = ["day"] if " as day" in sql else ["id"]
        summary = Summary(
            name="analytics.days", sql=sql, description="x", owner="tests", key=key, columns=columns or {}, **fields
        )
        written = Case(name="analytics/days/case.yaml", description="What it shows.", **case)
        return run_case(self.warehouse, self.session, read(summary, self.warehouse.sqlglot_dialect), written, types)

    def refused(self, *args: Any, **case: Any) -> str:
        with pytest.raises((TableFileError, BuildFailed)) as caught:
            self.run(*args, **case)
        assert self.session.one("SELECT 1") == 1  # the transaction is over
        return str(caught.value)


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    server = request.getfixturevalue(request.param)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(server.database()) if request.param == "postgres" else server.url
        database = Database(url, "live")
        database.run("CREATE SCHEMA live")
        stack.callback(database.run, "DROP SCHEMA live CASCADE")
        database.run("CREATE TABLE live.numbers (id int, amount decimal(9, 2), at timestamp)")
        database.run("INSERT INTO live.numbers VALUES (1, 100, '2021-02-05')")
        warehouse = warehouse_of(database)
        yield Desk(database, warehouse, stack.enter_context(warehouse.session()))


ANSWERS = [
    {"created_at": datetime(2021, 2, 5, 9), "score": 9},
    {"created_at": datetime(2021, 2, 5, 23, 59, 59), "score": 10},
    {"created_at": "2021-02-06 00:00:00", "score": 7, "word": '100% of it\'s \\ "good"'},
    {"created_at": datetime(2021, 2, 6)},
]
DAYS = [
    {"day": date(2021, 2, 6), "answers": 1, "mean": 7},
    {"day": date(2021, 2, 5), "answers": 2, "mean": Decimal("9.5")},
]


def test_a_case_passes_if_the_rows_are_as_expected(desk: Desk) -> None:
    assert desk.run(given={"raw.nps": ANSWERS}, expect=DAYS) is None


def test_only_the_columns_that_a_row_names_are_compared(desk: Desk) -> None:
    expect = [{"answers": 2}, {"day": date(2021, 2, 6), "mean": Decimal("7.00")}]
    assert desk.run(given={"raw.nps": ANSWERS}, expect=expect) is None


def test_an_empty_table_gives_no_rows(desk: Desk) -> None:
    assert desk.run(given={"raw.nps": []}, expect=[]) is None


def test_differences_are_shown_side_by_side(desk: Desk) -> None:
    expect = [DAYS[0], DAYS[1] | {"mean": Decimal("9.25")}, {"day": date(2021, 2, 7), "answers": 0, "mean": None}]
    assert desk.run(given={"raw.nps": ANSWERS}, expect=expect) == (
        "rows expected: 3, rows returned: 2, rows that match: 1\n"
        "            day         answers  mean\n"
        "  expected  2021-02-05  2        9.25\n"
        "  found     2021-02-05  2        9.50  ← mean\n"
        "  missing   2021-02-07  0        null"
    )


def test_an_unexpected_row_is_shown(desk: Desk) -> None:
    text = desk.run(given={"raw.nps": ANSWERS}, expect=DAYS[:1])
    assert text is not None and text.splitlines()[-1].split() == ["unexpected", "2021-02-05", "2", "9.50"]


def test_order_matters_if_the_case_is_ordered(desk: Desk) -> None:
    sql = SQL.replace(";", " order by 1")
    given = {"raw.nps": ANSWERS}
    assert desk.run(sql, given=given, expect=DAYS) is None
    assert desk.run(sql, given=given, expect=DAYS[::-1], ordered=True) is None
    assert "all rows match, but their order differs from row 1 on" in (
        desk.run(sql, given=given, expect=DAYS, ordered=True) or ""
    )


def test_the_range_of_a_case_replaces_the_placeholders(desk: Desk) -> None:
    sql = SQL.replace("where", "where created_at >= {start} and created_at < {end} and")
    given = {"raw.nps": ANSWERS}
    assert desk.run(sql, given=given, expect=DAYS) is None
    assert desk.run(sql, given=given, expect=DAYS[:1], start=date(2021, 2, 6)) is None
    assert desk.run(sql, given=given, expect=DAYS[1:], end=datetime(2021, 2, 6)) is None


def test_the_declared_types_of_the_summary_are_used(desk: Desk) -> None:
    expect = [{"day": date(2021, 2, 5), "mean": 10}, {"day": date(2021, 2, 6), "mean": 7}]
    assert desk.run(columns={"mean": "decimal(5, 0)"}, given={"raw.nps": ANSWERS}, expect=expect) is None


def test_a_case_does_not_read_or_change_tables_of_the_warehouse(desk: Desk) -> None:
    sql = "select id, amount, count(*) as n from live.numbers group by 1, 2"
    expect = [{"id": 7, "amount": Decimal("0.10"), "n": 1}]
    before = desk.database.run("SELECT * FROM live.numbers"), desk.database.types("live.numbers")
    assert desk.run(sql, given={"live.numbers": [{"id": 7, "amount": Decimal("0.1")}]}, expect=expect) is None
    assert (desk.database.run("SELECT * FROM live.numbers"), desk.database.types("live.numbers")) == before
    assert desk.session.rows("SELECT relname FROM pg_class WHERE relname LIKE 'case%%'") == []


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (3, "x / 2 = 1 and x + 9000000000 > 0"),
        (Decimal("12.50"), "x = 12.5 and x / 2 = 6.25"),
        (True, "x"),
        (date(2021, 2, 5), "x + 1 = '2021-02-06'"),
        (datetime(2021, 2, 5, 10, 0, 0, 1), "x > '2021-02-05 10:00:00'"),
        ("é" * 300, "length(x) = 300"),
    ],
    ids=["integer", "decimal", "boolean", "date", "timestamp", "text"],
)
def test_unknown_types_come_from_the_values(desk: Desk, value: Any, sql: str) -> None:
    sql = f"select x, case when {sql} then 1 else 0 end as id from lake.things where id = 0"
    given = {"lake.things": [{"id": 0, "x": value}, {"id": 0}]}
    assert desk.run(sql, given=given, expect=[{"x": value, "id": 1}, {"x": None, "id": 0}]) is None


def test_the_types_of_the_case_take_precedence(desk: Desk) -> None:
    sql = "select score / 2 as half, 1 as id from raw.nps"
    given, columns = {"raw.nps": [{"score": 3}]}, {"raw.nps": {"score": "decimal(5, 2)"}}
    assert desk.run(sql, given=given, expect=[{"half": 1}]) is None
    case = Case(name="c.yaml", description="x", given=given, columns=columns, expect=[{"half": Decimal("1.5")}])
    summary = Summary(name="analytics.days", sql=sql, description="x", owner="tests", key=["id"])
    assert run_case(desk.warehouse, desk.session, read(summary, desk.warehouse.sqlglot_dialect), case, TYPES) is None


BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an input that is not given": ({"given": {}, "expect": []}, ("raw.nps is missing", "[] for none")),
    "a table that is not read": (
        {"given": {"raw.nps": [], "raw.npz": []}, "expect": []},
        ("does not read raw.npz", "did you mean 'raw.nps'"),
    ),
    "an unknown column that is given": (
        {"given": {"raw.nps": [{"scoer": 1}]}, "expect": []},
        ("raw.nps has no column 'scoer'", "did you mean 'score'"),
    ),
    "an unknown column that is expected": (
        {"given": {"raw.nps": []}, "expect": [{"answer": 1}]},
        ("no column 'answer'", "did you mean 'answers'"),
    ),
    "a value of another type": (
        {"given": {"raw.nps": [{"score": "nine"}]}, "expect": []},
        ("refuses a row of raw.nps", "nine", "columns:"),
    ),
}


@pytest.mark.parametrize(("case", "words"), BAD.values(), ids=BAD)
def test_an_invalid_case_is_refused(desk: Desk, case: dict[str, Any], words: tuple[str, ...]) -> None:
    message = desk.refused(**case)
    assert all(text in message for text in ("analytics/days/case.yaml", *words)), message


def test_an_empty_table_with_unknown_columns_is_refused(desk: Desk) -> None:
    message = desk.refused("select 1 as id from lake.things", given={"lake.things": []}, expect=[])
    assert "lake.things has no rows" in message and "columns:" in message


def test_a_summary_that_the_warehouse_refuses_is_reported_with_its_line(desk: Desk) -> None:
    sql = "select 1 / score as id,\n length(score, 7, 7) as x\nfrom raw.nps"
    message = desk.refused(sql, given={"raw.nps": []}, expect=[])
    assert "analytics.days" in message and "line 2" in message and "length" in message


GOOD_FILE = """
description: A day of one answer.
given:
  raw.nps: [{score: 1.10000000000000000001, at: 2021-02-05 10:00:00, word: NO}]
expect: [{score: 1.1, day: 2021-02-05}]
"""


def case_file(folder: Path, text: str) -> Path:
    path = folder / "analytics" / "days" / "one.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_case_is_read_with_all_digits(tmp_path: Path) -> None:
    case_file(tmp_path, GOOD_FILE)
    (file,) = case_files("analytics.days", tmp_path)
    case = read_case(file)
    row = {"score": Decimal("1.10000000000000000001"), "at": datetime(2021, 2, 5, 10), "word": "NO"}
    assert (case.name, case.given, case.expect) == (
        "analytics/days/one.yaml",
        {"raw.nps": (row,)},
        ({"score": Decimal("1.1"), "day": date(2021, 2, 5)},),
    )


BAD_FILES = {
    "a field misspelt": (("expect:", "expects:"), "expects: unknown field; did you mean 'expect'?"),
    "no description": (("description: A day of one answer.", ""), "description: missing"),
    "a list for a value": (("word: NO", "word: [NO]"), "word: ['NO'] is not a single value"),
    "a table without rows": (
        ("[{score: 1.10000000000000000001, at: 2021-02-05 10:00:00, word: NO}]", "none"),
        "given.raw.nps",
    ),
    "an unknown type": (
        ("expect:", "columns: {raw.nps: {score: intger}}\nexpect:"),
        "unknown type 'intger'",
    ),
    "types of a table that is not given": (
        ("expect:", "columns: {raw.npz: {x: int}}\nexpect:"),
        "raw.npz is not under given:",
    ),
}


@pytest.mark.parametrize(("change", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_wrong_file_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path = case_file(tmp_path, GOOD_FILE.replace(*change))
    with pytest.raises(TableFileError) as caught:
        read_case(path)
    assert str(path) in str(caught.value) and words in str(caught.value), str(caught.value)


def test_the_types_of_a_table_file_are_those_after_masking(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "users.yaml"
    path.parent.mkdir()
    path.write_text(
        "description: x\nowner: x\nsource: {kind: database, table: users}\nload: replace\n"
        "columns: {id: bigint, mail: text, phone: text}\nmask: {mail: hash, phone: drop}\n"
    )
    types = declared_types(["raw.users", "raw.unknown"], tmp_path)
    assert {name: str(type) for name, type in types["raw.users"].items()} == {"id": "bigint", "mail": "varchar(64)"}
    assert set(types) == {"raw.users"}


@pytest.mark.parametrize(
    ("expected", "found", "is_same"),
    [
        (Decimal("12.5"), Decimal("12.50"), True),
        (12, Decimal("12.00"), True),
        (Decimal("0.1"), 0.1, True),
        (Decimal("0.1"), Decimal("0.1000000000000000055511"), False),
        (Decimal("0.33333333"), 1 / 3, False),
        (Decimal("0.33333333333"), 1 / 3, True),
        (0, 1e-300, False),
        (float("nan"), float("nan"), True),
        (float("nan"), Decimal("NaN"), True),
        (Decimal("NaN"), Decimal("NaN"), True),
        (1, Decimal("NaN"), False),
        (Decimal("NaN"), 1, False),
        (float("inf"), float("inf"), True),
        (float("inf"), Decimal("Infinity"), True),
        ("infinity", DistantTime("infinity"), True),
        (date(9999, 12, 31), DistantTime("infinity"), False),
        (1, "1", False),
        ("1", 1, False),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        (0, None, False),
        ("", None, False),
        ("null", None, False),
        ("a", "a ", False),
        (date(2021, 2, 5), datetime(2021, 2, 5), True),
        (date(2021, 2, 5), datetime(2021, 2, 5, 0, 0, 1), False),
        (datetime(2021, 2, 5, 10), datetime(2021, 2, 5, 10, tzinfo=UTC), True),
        ("2021-02-05", date(2021, 2, 5), True),
        ("10:00:00", time(10), True),
    ],
    ids=str,
)
def test_which_values_are_equal(expected: Any, found: Any, is_same: bool) -> None:
    assert same(expected, found) is is_same


def test_the_number_of_equal_rows_counts() -> None:
    one, two = {"a": 1}, {"a": 2}
    assert differences([one, one, two], [two, one, one], ordered=False) is None
    assert differences([one, one, two], [two, two, one], ordered=False) is not None


def test_a_row_that_names_few_columns_does_not_take_the_match_of_another() -> None:
    found = [{"a": 1, "b": 1}, {"a": 1, "b": 2}]
    assert differences([{"a": 1}, {"a": 1, "b": 1}], found, ordered=False) is None
    assert differences([{"b": 1}, {"a": 1, "b": 1}], found, ordered=False) is not None
