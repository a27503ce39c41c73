"""`where:` and `query:` of a database source: what is loaded, counted and audited is what Python would choose."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.table_audit import audit_whole
from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard, SourceError
from daybook.orchestration.artifacts.load_report import markdown
from tests.support.audited_tables import FIRST, audited, days
from tests.support.source_and_warehouse import Database, Endpoints

pytestmark = pytest.mark.any_warehouse

ON_POSTGRES = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
Row = tuple[int, datetime | None, str | None, int | None]

#: Conditions in SQL, and what Python says of a row (id, at, word, n). A comparison with NULL is not true.
CONDITIONS: dict[str, Any] = {
    "word = 'a%'": lambda row: row[2] == "a%",
    "word LIKE '%%' OR n % 3 = 1": lambda row: row[2] is not None or (row[3] is not None and row[3] % 3 == 1),
    "NOT (n > 4)": lambda row: row[3] is not None and row[3] <= 4,
    "n IN (SELECT n FROM chosen) -- ok": lambda row: row[3] in (1, 5, 7),
    "things.word IS NULL": lambda row: row[2] is None,
}


def make(ends: Endpoints) -> list[Row]:
    """Make a table of four days with NULLs, and another that a condition reads."""
    chance = random.Random(4)
    clock = "datetime" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {clock}, word varchar(9), n int)")
    ends.source.run("CREATE INDEX things_at ON things (at)")
    ends.source.run("CREATE TABLE chosen (n int)")
    ends.source.insert("chosen", [(1,), (5,), (7,)])
    rows: list[Row] = [
        (
            number,
            FIRST.replace(tzinfo=None) + timedelta(hours=chance.randrange(96)) if number else None,
            chance.choice(["a%", ":b", "{c}", None]),
            chance.choice([*range(9), None]),
        )
        for number in range(60)
    ]
    ends.source.insert("things", rows)
    return rows


def sources(ends: Endpoints, condition: str) -> list[dict[str, Any]]:
    """Return the ways to say that only rows with `condition` are loaded."""
    things = {"kind": "database", "table": [ends.source.namespace, "things"]}
    limited = f"SELECT * FROM things WHERE ({condition}\n) AND (at >= {{start}} AND at < {{end}} OR at IS NULL)"
    return [
        {**things, "where": condition},
        {"kind": "database", "query": f"SELECT * FROM things WHERE {condition}"},
        {"kind": "database", "query": limited},
        {"kind": "database", "query": "SELECT * FROM things", "where": condition.replace("things.", "q.")},
    ]


def table_of(ends: Endpoints, source: dict[str, Any], load: str = "replace_interval", **fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "start": FIRST.date(), "key": ["id"]}
    return ends.table(load=load, source=source, **(given | fields))


def on_days(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row[1] is not None]


@ON_POSTGRES
def test_filters_choose_the_rows_that_python_chooses(ends: Endpoints) -> None:
    rows = make(ends)
    for number, (condition, chosen) in enumerate(CONDITIONS.items()):
        expected = [row for row in rows if chosen(row)]
        per_day = [sum(row[1] is not None and row[1].day == 5 + day for row in expected) for day in range(4)]
        for way, source in enumerate(sources(ends, condition)):
            table = table_of(ends, source, key=["id"])
            table = table.model_copy(update={"name": f"{table.name}_{number}_{way}"})
            with table.source.open(table, ends) as opened:
                assert list(opened.counts(days()).values()) == per_day, (condition, way)
            ends.load(table, "2021-02-05", "2021-02-09")
            assert ends.rows(table) == on_days(expected), (condition, way)
            if way in (number % 4, 2):
                assert {str(found.verdict) for found in audited(ends, table)} <= {"equal", "never loaded"}
                assert ends.load(table).rows == len(expected)
                assert {str(found.verdict) for found in audit_whole(table, ends.warehouse, ends)} == {"equal"}


@ON_POSTGRES
@pytest.mark.parametrize("load", ["replace", "upsert"])
def test_every_strategy(ends: Endpoints, load: str) -> None:
    rows = make(ends)
    chosen = [row for row in rows if row[3] in (1, 5, 7)]
    for way, source in enumerate(sources(ends, "n IN (SELECT n FROM chosen)")[::2]):
        table = table_of(ends, source, load)
        table = table.model_copy(update={"name": f"{table.name}_{way}"})
        ends.load(table) if load == "replace" else ends.load(table, "2021-02-05", "2021-02-09")
        assert ends.rows(table) == (chosen if load == "replace" else on_days(chosen))


@ON_POSTGRES
def test_an_audit_finds_what_changed_among_the_chosen_rows(ends: Endpoints) -> None:
    rows = make(ends)
    found = next(row for row in on_days(rows) if row[3] == 5)
    other = next(row for row in on_days(rows) if row[3] == 6)
    day = found[1].day - 5  # type: ignore[union-attr]
    for way, source in enumerate(sources(ends, "n IN (1, 5, 7)")[::2]):
        table = table_of(ends, source, "replace_interval")
        table = table.model_copy(update={"name": f"{table.name}_{way}"})
        ends.load(table, "2021-02-05", "2021-02-09")
        ends.source.run("UPDATE things SET word = 'x' WHERE id IN (%s, %s)", (found[0], other[0]))
        results = audited(ends, table)
        assert [str(one.verdict) for one in results] == [
            "source changed since" if number == day else "equal" for number in range(4)
        ]
        assert results[day].differences.changed_keys == (f"id={found[0]}",)
        ends.source.run("UPDATE things SET word = %s WHERE id = %s", (found[2], found[0]))


@ON_POSTGRES
def test_a_changed_filter(ends: Endpoints) -> None:
    """Rows that no longer match stay until their interval is loaded again, and an audit finds them."""
    rows = make(ends)
    wide, narrow = (table_of(ends, sources(ends, f"n < {most}")[0], shrink_limit=0) for most in (8, 2))
    ends.load(wide, "2021-02-05", "2021-02-09")
    results = audited(ends, narrow)
    assert {str(one.verdict) for one in results} == {"source changed since"}
    assert {one.why for one in results} == {"it was loaded with another where: or query: than the table file has now"}
    assert sum(one.differences.removed for one in results) == len(
        [row for row in on_days(rows) if row[3] is not None and 2 <= row[3] < 8]
    )
    report = ends.load(narrow, "2021-02-06")
    notice = report.notices[-1]
    assert notice.startswith(f"{narrow.name} 2021-02-06: where: or query: in the table file has changed since the last")
    assert "has 3 entries until 2021-02-09 with the old one" in notice and f"- {notice}" in markdown(report)
    assert "`daybook backfill DEPLOYMENT 2021-02-05 2021-02-09 --select differing --max-repair 1`" in notice
    assert "has changed" not in str(ends.load(narrow, "2021-02-06").notices), "an audit goes on saying it"
    ends.load(narrow, "2021-02-05", "2021-02-09")
    assert {str(one.verdict) for one in audited(ends, narrow)} == {"equal"}
    assert ends.rows(narrow) == [row for row in on_days(rows) if row[3] is not None and row[3] < 2]
    plain = table_of(ends, {**sources(ends, "")[0], "where": None})
    assert "has 4 entries" in ends.load(plain, "2021-02-10").notices[-1]
    ends.load(plain)
    assert ends.load(narrow, "2021-02-10").notices[-1].count(" 1 entry until ") == 1
    guarded = narrow.model_copy(update={"shrink_limit": 0.5})
    ends.load(table_of(ends, sources(ends, "n < 8")[0]), "2021-02-05")
    with pytest.raises(ShrinkGuard, match=r"UTC, which had another where: or query: than the table file has now\)"):
        ends.load(guarded, "2021-02-05")


@ON_POSTGRES
def test_a_full_refresh_counts_what_is_left_out(ends: Endpoints) -> None:
    rows = make(ends)
    few = sum(row[3] is None or row[3] >= 2 for row in rows)
    table = table_of(ends, sources(ends, "n < 2")[0], "replace")
    report = ends.load(table)
    said = f"{table.name} all of it: {few} rows of the source do not match where: and are left out"
    assert report.notices == (said,) and f"- {said}" in markdown(report)
    assert ends.load(table_of(ends, sources(ends, "n < 2 OR n >= 2 OR n IS NULL")[0], "replace")).notices == ()


@ON_POSTGRES
def test_with_masks_and_deleted_rows(ends: Endpoints) -> None:
    rows = make(ends)
    living = [row for row in rows if row[2] is not None and not row[3]]
    for way, source in enumerate(sources(ends, "word IS NOT NULL")):
        fields = {"deleted": "n", "on_delete": "apply", "mask": {"word": "hash"}}
        table = table_of(ends, source, "upsert", **fields)
        table = table.model_copy(update={"name": f"{table.name}_{way}"})
        ends.load(table)
        assert [row[0] for row in ends.rows(table)] == [row[0] for row in living]
        assert {len(row[2]) for row in ends.rows(table)} == {64}
        assert {str(found.verdict) for found in audited(ends, table)} <= {"equal", "never loaded"}


@ON_POSTGRES
def test_with_texts_that_are_too_long_and_a_replica(ends: Endpoints) -> None:
    """The audit reads the filtered rows from the replica, cut as the load cuts them."""

    class Blocks:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def engine(self, name: str) -> Any:
            self.asked.append(name)
            return ends.source.engine

    rows, blocks = make(ends), Blocks()
    ends = replace(ends, keys=blocks)
    types = {"id": "integer", "at": "timestamp", "word": "varchar(1)", "n": "integer"}
    chosen = [row for row in on_days(rows) if row[3] is not None and row[3] < 4]
    for way, source in enumerate(sources(ends, "n < 4")[::2]):
        fields = {"columns": types, "too_long": {"word": "truncate"}}
        table = table_of(ends, {**source, "replica": "replica"}, **fields)
        table = table.model_copy(update={"name": f"{table.name}_{way}"})
        ends.load(table, "2021-02-05", "2021-02-09")
        assert ends.rows(table) == [(*row[:2], row[2] and row[2][:1], row[3]) for row in chosen]
        assert set(blocks.asked) == {"production"}
        blocks.asked.clear()
        results = audit(table, days(), ends.warehouse, blocks)
        assert {str(found.verdict) for found in results} == {"equal"} and set(blocks.asked) == {"replica"}
        blocks.asked.clear()


@ON_POSTGRES
def test_what_the_database_refuses(ends: Endpoints) -> None:
    make(ends)
    for source, said in [
        ({**sources(ends, "nn = 1")[0]}, "where:"),
        ({"kind": "database", "query": "SELECT * FROM no_such_table"}, "no_such_table"),
        ({"kind": "database", "query": "SELECT a.id, b.id FROM things a, things b"}, "id"),
    ]:
        table = table_of(ends, source)
        with pytest.raises(SourceError) as refusal:
            ends.load(table)
        assert said in str(refusal.value) and str(refusal.value).startswith(f"{table.name}: ")
    wrong = "`n` = 1" if not ends.source.is_mysql else "n ~ '1'"
    with pytest.raises(SourceError, match="where: under source: in the table file: line 1, column"):
        ends.load(table_of(ends, sources(ends, wrong)[0]))


@ON_POSTGRES
def test_the_tables_of_a_query_are_locked_against_ddl(ends: Endpoints) -> None:
    make(ends)
    limit = "SET SESSION lock_wait_timeout = 1" if ends.source.is_mysql else "SET lock_timeout = '300ms'"
    for source in (sources(ends, "n IN (SELECT n FROM chosen)")[0], sources(ends, "n IN (SELECT n FROM chosen)")[1]):
        table = table_of(ends, source)
        with table.source.open(table, ends), ends.source.connection() as connection, connection.cursor() as cursor:
            cursor.execute(limit)
            with pytest.raises(Exception, match=r"(?i)timeout"):
                cursor.execute("ALTER TABLE chosen ADD COLUMN more int")


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_cursor_that_is_computed(ends: Endpoints) -> None:
    """A query may aggregate: its day is a DATE, in which `{start}` is written, too."""
    rows = make(ends)
    day = "DATE(at)" if ends.source.is_mysql else "at::date"
    query = (
        f"SELECT {day} AS day, count(*) AS rows_, max(id) AS last FROM things "
        f"WHERE at >= {{start}} AND at < {{end}} GROUP BY {day}"
    )
    source = {"kind": "database", "query": query}
    table = table_of(ends, source, key=["day"], cursor="day")
    ends.load(table, "2021-02-05", "2021-02-09")
    dates = sorted({row[1].date() for row in on_days(rows)})  # type: ignore[union-attr]
    counts = [(one, sum(row[1].date() == one for row in on_days(rows))) for one in dates]  # type: ignore[union-attr]
    assert ends.rows(table, "day, rows_") == counts and dates[0] == date(2021, 2, 5)
    assert {str(found.verdict) for found in audited(ends, table)} == {"equal"}
    assert ends.load(table).rows == len(dates)


def typed(source: Database) -> str:
    """Make a table with a column of every kind, and return the columns of another row."""
    if source.is_mysql:
        source.run(
            "CREATE TABLE things (id int unsigned PRIMARY KEY, a tinyint unsigned, b bigint unsigned, c decimal(10,3), "
            "d decimal(5,0) unsigned, e varchar(30) character set latin1 NOT NULL, f text character set cp1251, "
            "g datetime(3), h timestamp(6) NULL, i time(2), j date NOT NULL, k year, l bit(1), m bit(20), o json, "
            "p varbinary(20), q blob, r enum('x','yz'), s set('x','y'), t float, u double, v double(10,2), "
            "w char(5), x mediumint, y smallint(6) zerofill, z longtext)"
        )
        one = (
            *(4000000000, 255, 18446744073709551615, "-1234567.125", 99999, "é%s", "Жук", "2021-02-05 10:00:00.125"),
            *("2021-02-05 10:00:00.123456", "-12:30:00.25", "2021-02-05", 1999, 1, 1048575, '{"a": "%1"}'),
            *(b"\x00\xff", b"\x00'\xff", "yz", "x,y", 0.1, 1e-300, 0.25, "ab", -8388608, 42, "x" * 300),
        )
        nulls = (*(0, None, None, None, None, "", None, None, None, None, "2021-02-06"), *[None] * 15)
    else:
        source.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
        source.run("CREATE DOMAIN short AS varchar(5)")
        source.run(
            "CREATE TABLE things (id bigint PRIMARY KEY, a smallint, b numeric, c numeric(10,3), d numeric(5), "
            "e varchar(30) NOT NULL, f text, g timestamp, h timestamptz, i time, j date, k bool, l char(5), m jsonb, "
            "o json, p bytea, q uuid, r mood, s short, t real, u float8, v interval, w inet, x int[], y money, z bpchar"
            ")"
        )
        one = (
            *(2**62, -5, "12345678901234567890.123456789", "-1234567.125", 99999, "é%s", "Жук\n\"'", "infinity"),
            *("2021-02-05 10:00:00.123456+02", "23:59:59.5", "2021-02-05", True, "ab", '{"a": "%1"}', '{"a":  1}'),
            *(b"\x00\xff", "a" * 32, "ok", "abc", 0.1, 1e-300, "1 year -3 days", "::1", [1, 2], "12.50", "ab "),
        )
        nulls = (*(0, None, None, None, None, ""), *[None] * 20)
    source.insert("things", [one, nulls])
    return "*"


@ON_POSTGRES
def test_every_type_arrives_as_from_the_table(ends: Endpoints) -> None:
    typed(ends.source)
    plain = ends.table(key=["id"])
    ends.load(plain)
    ways = {
        "query": {"kind": "database", "query": "SELECT * FROM things"},
        "nested": {"kind": "database", "query": "SELECT x.* FROM (SELECT * FROM things) AS x JOIN things USING (id)"},
        "filter": {"kind": "database", "table": [ends.source.namespace, "things"], "where": "id >= 0"},
    }
    for name, source in ways.items():
        table = ends.table(key=["id"], source=source)
        table = table.model_copy(update={"name": f"{table.name}_{name}"})
        ends.load(table)
        expected = ends.destination.texts(f"SELECT * FROM {ends.name(plain)} ORDER BY id")
        assert ends.destination.texts(f"SELECT * FROM {ends.name(table)} ORDER BY id") == expected, name
        assert ends.destination.types(table.name) == ends.destination.types(plain.name), name
        assert {str(found.verdict) for found in audit_whole(table, ends.warehouse, ends)} == {"equal"}, name


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_column_without_a_type(ends: Endpoints) -> None:
    """MySQL knows no type of NULL, so the table file declares one. PostgreSQL takes it as a text."""
    make(ends)
    source = {"kind": "database", "query": "SELECT id, NULL AS nothing FROM things"}
    if ends.source.is_mysql:
        with pytest.raises(SourceError, match=r"does not know the type of nothing.*columns: \{nothing: …\}"):
            ends.load(ends.table(source=source))
    table = ends.table(source=source, columns={"id": "integer", "nothing": "varchar(5)"})
    assert ends.load(table).rows == 60


def test_zero_dates_and_the_end_of_time(mysql_source: Database, tmp_path: Any, request: pytest.FixtureRequest) -> None:
    """The bounds of a full refresh include them."""
    mysql_source.run("CREATE TABLE things (id int, a datetime, b date, c timestamp NULL)")
    mysql_source.run("INSERT INTO things VALUES (1, 0, 0, 0), (2, '9999-12-31 23:59:59', '9999-12-31', '2021-02-05')")
    for column in "abc":
        query = f"SELECT id, {column} AS at FROM things WHERE {column} >= {{start}} AND {column} < {{end}}"
        source = {"kind": "database", "query": query, "zero_dates": "null"}
        table = Table(
            **{"name": "raw.t", "description": "x", "owner": "x", "load": "replace_interval", "key": ["id"]},
            **{"cursor": "at", "interval": "day", "source": source},
        )
        ends = Endpoints(mysql_source, mysql_source, None, None, list)  # type: ignore[arg-type]
        with table.source.open(table, ends) as opened:
            assert opened.first("at") is not None
            ((rows,),) = opened._query(f"SELECT count(*) FROM {opened._relation.sql()}")
            assert rows == 2
