"""Checks at work, on PostgreSQL and on Redshift: what each finds, what is told of it, and of those that are broken."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from daybook.errors import CheckFailed, DaybookError, TableFileError
from daybook.load.check_runner import measure, require, run_checks, warnings_of
from daybook.load.load import LoadReport
from daybook.model.checks import Check
from daybook.orchestration.artifacts.load_report import markdown
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.base import Warehouse
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, Endpoints, parse_as_redshift, warehouse_of

#: What is due three hours ago is fresh within a day, and not within an hour, however slow the machine.
NOW = datetime.now(UTC)
ROWS = [
    (n, n if n < 9 else 8, variant, user, amount, NOW - timedelta(hours=3), NOW.date() - timedelta(days=3), f"{n} %s")
    for n, (variant, user, amount) in enumerate(
        [("control", 1, "0.10")] * 4 + [("a", 2, "0.20")] * 3 + [("it's \\ 5%", 3, "0.30")] * 2 + [(None, None, None)]
    )
]


@dataclass
class Place:
    """A schema of a warehouse with `things` (ten rows), `users` (1, 1 and 2), `empty` and `things__build`."""

    warehouse: Warehouse
    database: Database
    schema: str

    def check(self, check: dict[str, Any]) -> Check:
        """A check whose texts may say `raw.` for the schema."""
        texts = {"sql", "table"}
        here = {name: self._here(value) if name in texts else value for name, value in check.items()}
        if "relationship" in here:
            here["relationship"] = {**here["relationship"], "to": self._here(here["relationship"]["to"])}
        return Check(**here)

    def _here(self, text: str) -> str:
        return text.replace("raw.", f"{self.schema}.")


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One warehouse for all of the cases: none of them leaves anything behind."""
    server: Postgres | Redshift = request.getfixturevalue(request.param)
    if isinstance(server, Redshift):
        with server.schema() as schema:
            yield _filled(Database(server.url, schema))
    else:
        with server.database() as url:
            yield _filled(Database(url, "public"))


def _filled(database: Database) -> Place:
    schema = database.namespace
    columns = (
        'id int, twice int, variant varchar(20), user_id int, amount decimal(10, 2), at timestamptz, "day" date, '
        '"it ""is"" 5%%" varchar(20)'
    )
    for name in ("things", "empty", "things__build"):
        database.run(f"CREATE TABLE {schema}.{name} ({columns})", ())
    database.insert(f"{schema}.things", ROWS)
    database.insert(f"{schema}.things__build", ROWS[:5])
    database.run(f"CREATE TABLE {schema}.users (id int)")
    database.insert(f"{schema}.users", [(1,), (1,), (2,)])
    return Place(warehouse_of(database), database, schema)


CASES: list[tuple[dict[str, Any], Any, bool]] = [
    ({"sql": "select count(*) from {table} where user_id > 1;", "equals": 5}, 5, True),
    ({"sql": "select count(*) from raw.things", "at_least": 11}, 10, False),
    ({"sql": "select sum(amount) from {table}", "equals": 1.6}, Decimal("1.60"), True),
    ({"sql": "select sum(amount) from {table} where id < 0", "equals": 0}, None, False),
    ({"sql": "select max(\"day\") from {table}", "at_least": date(2021, 2, 5)}, ROWS[0][6], True),
    ({"sql": "select count(*) from {table} where variant like '%5\\%%'", "equals": 2}, 2, True),
    ({"sql": "with few as (select id from {table} where id < 3) select count(*) from few", "equals": 3}, 3, True),
    ({"sql": "select count(*) from {table}", "equals": 3, "table": "raw.users"}, 3, True),
    ({"sql": "select 'abc' -- %s", "at_least": 0}, "abc", False),
    ({"unique": "id"}, 0, True),
    ({"unique": "twice"}, 1, False),
    ({"unique": ["twice", "day"]}, 1, False),
    ({"unique": ["twice", "variant"]}, 0, True),
    ({"unique": ["twice", 'it "is" 5%']}, 0, True),
    ({"unique": "id", "table": "raw.users"}, 1, False),
    ({"not_null": ["id", "twice"]}, 0, True),
    ({"not_null": ["id", "variant", "user_id"]}, 1, False),
    ({"accepted_values": {"column": "variant", "values": ["control", "a", "it's \\ 5%"]}}, 0, True),
    ({"accepted_values": {"column": "variant", "values": ["control", "it's \\ 5%"]}}, 3, False),
    ({"accepted_values": {"column": "user_id", "values": [1, 2]}}, 2, False),
    ({"accepted_values": {"column": "amount", "values": [0.1, 0.2, 0.3]}}, 0, True),
    ({"accepted_values": {"column": "day", "values": [ROWS[0][6]]}}, 0, True),
    ({"relationship": {"column": "user_id", "to": "raw.users.id"}}, 2, False),
    ({"relationship": {"column": "twice", "to": "raw.things.id"}}, 0, True),
    ({"relationship": {"column": "id", "to": "raw.things.user_id"}, "table": "raw.users"}, 0, True),
    ({"row_count": {"at_least": 10, "at_most": 10}}, 10, True),
    ({"row_count": {"between": [11, 20]}}, 10, False),
    ({"row_count": {"equals": 0}, "table": "raw.empty"}, 0, True),
    ({"fresh": {"column": "at", "within": "1 day"}}, ROWS[0][5], True),
    ({"fresh": {"column": "at", "within": "2 hours"}}, ROWS[0][5], False),
    ({"fresh": {"column": "day", "within": "5 days"}}, ROWS[0][6], True),
    ({"fresh": {"column": "day", "within": "2 days"}}, ROWS[0][6], False),
    ({"fresh": {"column": "at", "within": "1 day"}, "table": "raw.empty"}, None, False),
    ({"fresh": {"column": "variant", "within": "1 day"}}, "it's \\ 5%", False),
    ({"change_within": "20%"}, 10, True),
]  # fmt: skip


#: Dates and instants that Python cannot represent, and whether a check for a newest date finds them fresh.
DISTANT = [
    ("20210-02-05", "20210-02-05 12:30:00+00", True),
    ("infinity", "infinity", True),
    ("-infinity", "-infinity", False),
    ("0044-03-15 BC", "0044-03-15 12:30:00+00 BC", False),
]


@pytest.mark.parametrize(("day", "instant", "late"), DISTANT)
def test_a_date_that_python_lacks_is_compared_and_shown(postgres: Postgres, day: str, instant: str, late: bool) -> None:
    checks: list[tuple[dict[str, Any], str, bool]] = [
        ({"fresh": {"column": "day", "within": "2 days"}}, f"returned {day}; expected at least", late),
        ({"fresh": {"column": "at", "within": "2 days"}}, f"returned {instant}; expected at least", late),
        ({"sql": 'select max("day") from {table}', "at_most": date(9999, 12, 31)}, f"returned {day};", not late),
        ({"sql": 'select max("day") from {table}', "equals": date(9999, 12, 31)}, f"returned {day};", False),
        ({"sql": "select interval '25:00:00'", "equals": 25}, "returned '25:00:00'; expected 25", False),
    ]
    with postgres.database() as url:
        place = _filled(Database(url, "public"))
        place.database.run("UPDATE public.things SET day = %s, at = %s", (day, instant))
        with place.warehouse.session() as session:
            given = [place.check(check) for check, _, _ in checks]
            results = run_checks(session, place.warehouse, given, "public.things")
    assert [result.held for result in results] == [held for _, _, held in checks]
    for result, (_, text, _) in zip(results, checks, strict=True):
        assert text in str(result)


def test_what_is_found(place: Place) -> None:
    wrong = []
    with place.warehouse.session() as session:
        for given, found, held in CASES:
            (result,) = run_checks(session, place.warehouse, [place.check(given)], f"{place.schema}.things")
            if (result.found, result.held) != (found, held):
                wrong.append(str(result))
            assert place.database.run(result.sql) == [(result.found,)], "the text can be pasted"
            parse_as_redshift(result.sql)
    assert not wrong


def test_a_build_stands_for_the_table(place: Place) -> None:
    checks = [
        {"row_count": {"equals": 5}},
        {"sql": "select count(*) from {table}", "equals": 5},
        {"relationship": {"column": "id", "to": "raw.things.twice"}},
        {"row_count": {"equals": 5}, "table": "raw.things"},
        {"sql": "select max(id) from {table}", "equals": 4, "table": "raw.things"},
        {"sql": "select count(*) from raw.things", "equals": 10},
        {"row_count": {"equals": 3}, "table": "raw.users"},
        {"change_within": "50%"},
        {"change_within": "40%"},
    ]
    made, name = [place.check(check) for check in checks], f"{place.schema}.things"
    with place.warehouse.session() as session:
        before = measure(session, place.warehouse, made, name)
        results = run_checks(
            session, place.warehouse, made, name, stands_for=f"{place.schema}.things__build", before=before
        )
    assert [result.held for result in results] == [True] * 8 + [False]
    assert results[-1].expected == "between 6 and 14 (10 before, and a change within 40%)"


@pytest.mark.parametrize(("kept", "held"), [(8, [True, True]), (7, [False, False]), (0, [False, False])])
def test_a_change_within_one_transaction(place: Place, kept: int, held: list[bool]) -> None:
    name, table = f"{place.schema}.things", place.warehouse.quote(place.schema, "things")
    checks = [Check(change_within="20%"), Check(sql="select sum(user_id * 0 + 1) from {table}", change_within="20%")]
    with place.warehouse.session() as session:
        session.run("BEGIN")
        before = measure(session, place.warehouse, checks, name)
        session.run(f"DELETE FROM {table} WHERE id >= %s", (kept,))
        results = run_checks(session, place.warehouse, checks, name, before=before)
        session.run("ROLLBACK")
    assert [result.held for result in results] == held
    assert list(before.values()) == [10, 9]


def test_a_first_build_has_nothing_to_compare_with(place: Place) -> None:
    checks = [Check(change_within="20%"), Check(sql="select sum(id) from {table}", change_within="20%")]
    with place.warehouse.session() as session:
        assert measure(session, place.warehouse, checks, f"{place.schema}.not_there") == {}
        for before in ({}, measure(session, place.warehouse, checks, f"{place.schema}.empty")):
            results = run_checks(session, place.warehouse, checks, f"{place.schema}.things", before=before)
            assert all(result.held for result in results)


def test_all_that_fail_are_told_at_once_and_those_that_warn_are_logged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    checks = [
        Check(unique="twice"),
        Check(sql="select count(*) from {table} where variant like '%5%'", equals=0),
        Check(not_null="variant", severity="warn"),
        Check(row_count={"at_least": 1}),
    ]
    with place.warehouse.session() as session:
        results = run_checks(session, place.warehouse, checks, f"{place.schema}.things")
    table = f'"{place.schema}"."things"'
    warned = f'not_null: SELECT count(*) FROM {table} WHERE "variant" IS NULL returned 1; expected 0'
    with pytest.raises(CheckFailed) as caught, caplog.at_level(logging.WARNING):
        require(results, "raw.things 2021-02-05", "Fix the rows")
    assert str(caught.value).splitlines() == [
        "raw.things 2021-02-05: 2 checks failed, and nothing was changed:",
        f'- unique: SELECT count(*) FROM (SELECT "twice" FROM {table} GROUP BY "twice" HAVING count(*) > 1) AS shared '
        "returned 1; expected 0",
        f"- select count(*) from {table} where variant like '%5%' returned 2; expected 0",
        "Fix the rows",
    ]
    assert f"raw.things 2021-02-05: a check failed with severity warn: {warned}" in caplog.messages
    with pytest.raises(CheckFailed, match="a check failed, and nothing was changed: unique: SELECT"):
        require(results[:1], "raw.things", "Fix the rows")
    went_on = require(results[2:], "raw.things", "Fix the rows")
    assert (went_on, warnings_of(went_on)) == (tuple(results[2:]), (warned,))


BROKEN: dict[str, tuple[dict[str, Any], type[DaybookError], list[str]]] = {
    "unknown column": ({"sql": "select scor from {table}"}, TableFileError, ["scor", "does not exist"]),
    "unknown column of a named check": ({"unique": "scor"}, TableFileError, ["scor", "does not exist"]),
    "no such table": ({"row_count": {"equals": 0}, "table": "raw.nothing"}, TableFileError, ["nothing"]),
    "syntax": ({"sql": "select from from {table}"}, TableFileError, ["syntax error"]),
    "values of another type": (
        {"accepted_values": {"column": "variant", "values": [1]}},
        TableFileError,
        ["operator does not exist"],
    ),
    "several rows": ({"sql": "select id from {table}"}, TableFileError, ["returns 10 rows of 1 columns"]),
    "several columns": ({"sql": "select 1, 2"}, TableFileError, ["returns 1 rows of 2 columns"]),
    "no row": ({"sql": "select id from {table} where id < 0"}, TableFileError, ["returns 0 rows"]),
    "a value that cannot be reckoned with": ({"sql": "select max(1 / id) from {table}"}, CheckFailed, ["by zero"]),
}


@pytest.mark.parametrize(("check", "kind", "said"), BROKEN.values(), ids=BROKEN)
def test_a_check_that_cannot_be_run(
    place: Place, check: dict[str, Any], kind: type[DaybookError], said: list[str]
) -> None:
    broken = place.check({"equals": 0, **check} if "sql" in check else check)
    with place.warehouse.session() as session, pytest.raises(kind) as caught:
        run_checks(session, place.warehouse, [broken], f"{place.schema}.things")
    assert type(caught.value) is kind and caught.value.__cause__ is None
    for text in (f"tables/{place.schema}/things.yaml cannot be run: ", "Nothing was changed", *said):
        assert text in str(caught.value), str(caught.value)


def test_what_may_pass_is_left_to_be_tried_again(redshift: Redshift) -> None:
    with redshift.schema() as schema:
        place = _filled(Database(redshift.url, schema))
        rule = {"match": "^select count", "action": "error", "sqlstate": "40001", "message": "serialization failure"}
        with place.warehouse.session() as session, redshift.faults(rule):
            with pytest.raises(DatabaseError, match="1023"):
                run_checks(session, place.warehouse, [Check(row_count={"equals": 10})], f"{schema}.things")
            assert run_checks(session, place.warehouse, [Check(row_count={"equals": 10})], f"{schema}.things")[0].held


def test_a_load_warns_and_stops_a_change_that_is_too_large(
    from_mysql: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, at datetime, score int, KEY (at))")
    ends.source.insert("things", [(n, datetime(2021, 2, 5 + n // 10), n % 11) for n in range(25)])
    checks = [{"change_within": "100%"}, {"sql": "select max(score)\nfrom {table}", "at_most": 9, "severity": "warn"}]
    table = ends.table(load="replace_interval", key="id", cursor="at", interval="day", checks=checks)
    assert ends.load(table, "2021-02-05").warnings == ()
    report = ends.load(table, "2021-02-06")  # from 10 to 20 is 100%
    (warning,) = report.warnings
    assert warning == f"select max(score)\nfrom {ends.name(table)} returned 10; expected at most 9"
    assert f"{table.name} 2021-02-06: a check failed with severity warn: {warning}" in caplog.messages
    page = markdown(report).splitlines()
    assert page[page.index("**1 of 2 checks passed**") + 2 :][:4] == [
        "| | check | found | expected |",
        "|---|---|---:|---|",
        "| 🟨 warning | `select max(score) from {table}` | 10 | at most 9 |",
        "| 🟩 passed | `change_within` | 20 | between 0 and 20 (10 before, and a change within 100%) |",
    ]
    assert f"- `{warning.replace(chr(10), ' ')}`" in page
    assert "check" not in markdown(LoadReport(table.name, "x", "replace"))
    ends.source.insert("things", [(n, datetime(2021, 2, 8), 1) for n in range(100, 121)])
    before = ends.state(table)
    with pytest.raises(CheckFailed) as caught:
        ends.load(table, "2021-02-08")
    assert "returned 41; expected between 0 and 40 (20 before, and a change within 100%)" in str(caught.value)
    assert ends.state(table) == before
