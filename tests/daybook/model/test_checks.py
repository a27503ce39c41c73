"""The checks of a table file: the exact meaning of each form, and the errors for wrong ones."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.summary_files import read_summary
from daybook.definitions.table_files import read_table
from daybook.errors import TableFileError
from daybook.model.checks import Check

TABLE = "description: x\nowner: x\nsource: {kind: database, table: prod.nps}\nload: replace\n"
SUMMARY = "description: x\nowner: x\nkey: date\n"


def read(folder: Path, check: str) -> Check:
    """Return the check that is read from a table file."""
    path = folder / "raw" / "nps.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{TABLE}checks:\n  - {check}\n", encoding="utf-8")
    return read_table("raw.nps", folder).checks[0]


RESULTS: list[tuple[dict[str, Any], Any, bool]] = [
    ({"equals": 0.1}, Decimal("0.1"), True),
    ({"equals": 0.1}, Decimal("0.10"), True),
    ({"equals": 0.1}, 0.1, True),
    ({"equals": 0.3}, 0.1 + 0.2, False),
    ({"equals": 0}, 0, True),
    ({"equals": 0}, False, True),
    ({"equals": True}, True, True),
    ({"equals": 9007199254740993}, 9007199254740992, False),
    ({"equals": 0}, None, False),
    ({"at_most": 5}, None, False),
    ({"at_least": 5}, "7", False),
    ({"at_least": 5}, Decimal("NaN"), False),
    ({"at_least": 5}, float("nan"), False),
    ({"at_least": 5}, float("inf"), True),
    ({"at_least": 5}, 5, True),
    ({"at_least": 5}, Decimal("4.99"), False),
    ({"at_most": 5}, 5, True),
    ({"at_most": 5}, 5.01, False),
    ({"at_least": 1, "at_most": 5}, 6, False),
    ({"between": [1, 5]}, 1, True),
    ({"between": [1, 5]}, 5, True),
    ({"between": [1, 5]}, 0, False),
    ({"between": [1, 5]}, 6, False),
    ({"between": [0.5, 0.5]}, Decimal("0.5"), True),
    ({"at_least": date(2021, 2, 5)}, date(2021, 2, 5), True),
    ({"at_least": date(2021, 2, 5)}, datetime(2021, 2, 4, 23, 59), False),
    ({"equals": date(2021, 2, 5)}, datetime(2021, 2, 5, 1, tzinfo=timezone(timedelta(hours=1))), True),
    ({"at_least": datetime(2021, 2, 5, 12)}, date(2021, 2, 5), False),
    ({"at_least": date(2021, 2, 5)}, 44232, False),
]


@pytest.mark.parametrize(("expectation", "found", "held"), RESULTS)
def test_holds(expectation: dict[str, Any], found: Any, held: bool) -> None:
    check = Check(sql="select 1", **expectation)
    assert check.holds(found) is held
    bounds = check.bounds()
    assert bounds and bounds.holds(found) is held


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ('{sql: "select 1", equals: 0.10}', "0.1"),
        ('{sql: "select 1", at_least: 150000}', "at least 150,000"),
        ('{sql: "select 1", at_least: 1, at_most: 1000000.0}', "at least 1 and at most 1,000,000"),
        (
            '{sql: "select 1", between: [0, 12345678901234567890123456789012345678]}',
            "between 0 and 12,345,678,901,234,567,890,123,456,789,012,345,678",
        ),
        ('{sql: "select max(date) from {table}", at_least: 2021-02-05}', "at least 2021-02-05"),
        ("{unique: date}", "0"),
        ("{row_count: {at_least: 12}}", "at least 12"),
        ("{change_within: 20%}", "between 80 and 120 (100 before, and a change within 20%)"),
        ("{change_within: 2.5 %}", "between 97.5 and 102.5 (100 before, and a change within 2.5%)"),
    ],
)
def test_expected_in_words(tmp_path: Path, check: str, expected: str) -> None:
    read_check = read(tmp_path, check)
    assert read_check.expected(read_check.bounds(100), 100) == expected


@pytest.mark.parametrize(
    ("within", "age"),
    [("2 days", timedelta(2)), ("1 hour", timedelta(hours=1)), ("36hours", timedelta(1.5)), ("1 week", timedelta(7))],
)
def test_fresh_counts_back_from_now(tmp_path: Path, within: str, age: timedelta) -> None:
    check = read(tmp_path, f"{{fresh: {{column: at, within: {within}}}}}")
    before = datetime.now(UTC)
    bounds = check.bounds()
    assert bounds and before - age <= bounds.at_least <= datetime.now(UTC) - age
    assert "no older than" in check.expected(bounds)


@pytest.mark.parametrize(
    ("before", "found", "held"),
    [
        (100, 120, True),
        (100, 121, False),
        (100, 80, True),
        (100, 79, False),
        (-100, -120, True),
        (-100, -79, False),
        (Decimal("0.1"), Decimal("0.12"), True),
        (0.1, Decimal("0.1200001"), False),
        (100, None, False),
        (None, 5, True),
        (0, 5, True),
        (Decimal("NaN"), 5, True),
        (float("inf"), 5, True),
        ("a text", 5, True),
    ],
)
def test_change_within_is_a_share_of_the_value_before(before: Any, found: Any, held: bool) -> None:
    bounds = Check(change_within="20%").bounds(before)
    assert (bounds is None or bounds.holds(found)) is held


def test_change_within_0_percent_compares_every_digit() -> None:
    many = Decimal("12345678901234567890123456789012345678.1")
    bounds = Check(change_within="0%").bounds(many)
    assert bounds and bounds.holds(many)
    assert not bounds.holds(Decimal("12345678901234567890123456789012345678.2"))


REFUSED = {
    "nothing to check": ("{}", ["nothing to check: add one of", "unique", "change_within"]),
    "severity alone": ("{severity: warn}", ["nothing to check: add one of"]),
    "two checks in one": ("{unique: a, not_null: b}", ["unique and not_null are 2 checks", "give each its own entry"]),
    "sql and a named one": ('{sql: "select 1", equals: 1, unique: a}', ["sql and unique are 2 checks"]),
    "sql without expectation": ('{sql: "select 1"}', ["add equals, at_least or at_most, between, or change_within"]),
    "sql with two expectations": (
        '{sql: "select 1 from {table}", equals: 1, change_within: 2%}',
        ["only one", "not equals and change_within"],
    ),
    "equals and at_most": (
        '{sql: "select 1", equals: 5, at_most: 9}',
        ["equals and at_most cannot be combined"],
    ),
    "between and at_least": (
        '{sql: "select 1", between: [1, 2], at_least: 1}',
        ["at_least and between cannot be combined"],
    ),
    "between, larger first": (
        '{sql: "select 1", between: [5, 1]}',
        ["at least 5 and at most 1", "put the smaller one first"],
    ),
    "between of one": ('{sql: "select 1", between: [5]}', ["the minimum and the maximum, such as [0, 10]"]),
    "between and nothing": ('{sql: "select 1", between: [5, null]}', ["the minimum and the maximum, such as [0, 10]"]),
    "bounds that nothing meets": ('{sql: "select 1", at_least: 5, at_most: 1}', ["at least 5 and at most 1"]),
    "a number and a date": ('{sql: "select 1", at_least: 5, at_most: 2021-02-05}', ["cannot be compared"]),
    "a number in quotes": ('{sql: "select 1", equals: "5"}', ["equals", "without quotes"]),
    "no number": ('{sql: "select 1", equals: .nan}', ["equals", "a number or a date"]),
    "a bound with a named one": ("{unique: a, at_most: 1}", ["at_most needs sql", "row_count"]),
    "misspelt field": ('{sql: "select 1", eqals: 1}', ["checks.0.eqals", "did you mean 'equals'"]),
    "misspelt field, deeper": ("{row_count: {atleast: 1}}", ["row_count.atleast", "did you mean 'at_least'"]),
    "unknown field": ("{unique: a, zzz: 1}", ["zzz", "expected one of equals", "relationship"]),
    "a number as a row_count": ("{row_count: 12}", ["row_count", "expected fields (equals, at_least"]),
    "row_count of nothing": ("{row_count: {}}", ["row_count needs an expected number"]),
    "a text as a check": ("just text", ["expected fields", "sql"]),
    "unique of no column": ("{unique: []}", ["unique", "at least 1 item"]),
    "no accepted value": ("{accepted_values: {column: a, values: []}}", ["values", "at least 1 item"]),
    "NULL as an accepted value": ("{accepted_values: {column: a, values: [a, null]}}", ["values.1", "not_null"]),
    "a percentage without %": ("{change_within: 20}", ["expected a percentage, such as 20%"]),
    "a negative percentage": ("{change_within: -20%}", ["expected a percentage, such as 20%"]),
    "an age of another unit": ("{fresh: {column: a, within: 2 moons}}", ["hours, days or weeks, such as 2 days"]),
    "fresh without within": ("{fresh: {column: a}}", ["fresh.within: missing", "The maximum age"]),
    "relationship to two names": ("{relationship: {column: a, to: users.id}}", ["expected schema.table.column"]),
    "table without schema": ("{unique: a, table: users}", ["expected schema.table"]),
    "table with an empty name": ("{unique: a, table: users.}", ["expected schema.table"]),
    "table that the sql does not use": (
        '{sql: "select 1", equals: 1, table: raw.users}',
        ["the sql has no {table}"],
    ),
    "change of another table": ("{change_within: 20%, table: raw.users}", ["remove table"]),
    "change that is always the same": ('{sql: "select 1", change_within: 20%}', ["write {table} in the sql"]),
    "unknown severity": ("{unique: a, severity: error}", ["severity", "'fail' or 'warn'"]),
    "another statement": ('{sql: "delete from x", equals: 1}', ["start it with select or with"]),
    "a commit behind it": ('{sql: "select 1; commit", equals: 1}', ["one SELECT without ';'"]),
    "a commit behind a comment": ('{sql: "select 1 /* */; commit --", equals: 1}', ["one SELECT without ';'"]),
    "a commit behind an escape": (
        '{sql: "select \\\\; commit; --", equals: 1}'.replace("''", "'"),
        ["one SELECT without ';'"],
    ),
    "a writing WITH": (
        '{sql: "with a as (DELETE from x returning 1) select count(*) from a", equals: 1}',
        ["a check only reads", "DELETE"],
    ),
    "SELECT INTO": ('{sql: "select 1 into x", equals: 1}', ["a check only reads", "into"]),
}


@pytest.mark.parametrize(("check", "parts"), REFUSED.values(), ids=REFUSED)
def test_refused(tmp_path: Path, check: str, parts: list[str]) -> None:
    with pytest.raises(TableFileError) as caught:
        read(tmp_path, check)
    assert all(text in str(caught.value) for text in ["nps.yaml: checks.0", *parts]), str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "(select 1) union (select 2)",
        "-- how many: insert, into\nselect 1",
        "/* update */ with a as (select 1) select * from a",
        "select count(*) from x where kind = 'update' and \"delete\" = 'it''s into'",
        'select deleted, updated_at, "select" from x',
    ],
)
def test_one_select_is_one(sql: str) -> None:
    assert Check(sql=sql, equals=1).sql == sql.removesuffix(";")


@pytest.mark.parametrize(
    ("checks", "parts"),
    [
        ("input_checks: [{unique: id}]", ["unique checks analytics.nps itself", "table: schema.table"]),
        (
            'input_checks: [{sql: "select 1 from {table}", equals: 1}]',
            ["sql checks analytics.nps itself", "instead of {table}"],
        ),
        ("input_checks: [{change_within: 20%}]", ["move it to output_checks"]),
        (
            'output_checks: [{sql: "select 1 from Analytics.nps", equals: 1}]',
            ["write {table} instead of analytics.nps"],
        ),
    ],
    ids=["named input check", "input check of {table}", "change of an input", "output check of the last build"],
)
def test_refused_in_a_summary(tmp_path: Path, checks: str, parts: list[str]) -> None:
    with pytest.raises(TableFileError) as caught:
        _read_summary(tmp_path, checks)
    assert all(text in str(caught.value) for text in parts), str(caught.value)


def test_checks_of_a_summary(tmp_path: Path) -> None:
    summary = _read_summary(
        tmp_path,
        'input_checks: [{unique: id, table: raw.nps}, {sql: "select count(*) from raw.nps", at_least: 1}]\n'
        'output_checks: [{unique: id}, {change_within: 20%}, {sql: "select 1 from analytics.nps_rolling", equals: 1}]',
    )
    assert [check.kind for check in summary.input_checks] == ["unique", "sql"]
    assert [check.of_own_table for check in summary.output_checks] == [True, True, False]


def _read_summary(folder: Path, checks: str) -> Any:
    (folder / "analytics").mkdir()
    (folder / "analytics" / "nps.sql").write_text("select 1 as date from raw.nps", encoding="utf-8")
    (folder / "analytics" / "nps.yaml").write_text(f"{SUMMARY}{checks}\n", encoding="utf-8")
    return read_summary("analytics.nps", folder)
