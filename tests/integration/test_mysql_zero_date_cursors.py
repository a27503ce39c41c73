"""Zero dates in the cursor: they belong to no interval, and no load leaves their rows out without a word."""

from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.interval_audit import audit
from daybook.definitions.table import Table
from daybook.errors import ValueRefused
from daybook.model.interval import Interval
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

#: The type of the cursor, and the zero dates that it can store.
ZEROS = {
    "datetime": ["0000-00-00 00:00:00", "2021-00-10 05:00:00", "2021-02-00 00:00:00", "2000-00-00 00:00:00"],
    "datetime(6)": ["0000-00-00 00:00:00", "2021-00-00 00:00:00.000001"],
    "date": ["0000-00-00", "2021-00-10", "2021-02-00", "1999-03-00"],
    "timestamp": ["0000-00-00 00:00:00"],
}


def make(ends: Endpoints, kind: str, *moments: str | None, null: str = "NULL") -> None:
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {kind} {null}, KEY (at))")
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05'), (2, '2021-01-31')")
    for number, moment in enumerate(moments, start=3):
        ends.source.run("INSERT INTO things VALUES (%s, %s)", (number, moment))


def table_of(ends: Endpoints, zero_dates: str = "fail", load: str = "replace_interval", **fields: object) -> Table:
    source = {"kind": "database", "table": [ends.source.namespace, "things"], "zero_dates": zero_dates}
    intervals = {"cursor": "at", "interval": "day", "start": "2021-01-01", **fields}
    return ends.table(load=load, source=source, **intervals)


def day(text: str) -> Interval:
    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Interval(start, start + timedelta(days=1))


def loaded(ends: Endpoints, table: Table) -> dict[int, str]:
    return {row[0]: str(row[1]) for row in ends.rows(table, "id, at")}


@pytest.mark.each_value
@pytest.mark.parametrize("null", ["NULL", "NOT NULL"])
@pytest.mark.parametrize("kind", ZEROS)
def test_a_full_refresh_has_the_row(from_mysql: Endpoints, kind: str, null: str) -> None:
    make(from_mysql, kind, *ZEROS[kind], null=null)
    table = table_of(from_mysql, "null")
    from_mysql.load(table)
    found = loaded(from_mysql, table)
    assert set(found) == {1, 2, *range(3, 3 + len(ZEROS[kind]))}
    assert {text for number, text in found.items() if number > 2} == {"None"}


@pytest.mark.each_value
@pytest.mark.parametrize(("kind", "zero"), [(kind, zero) for kind, zeros in ZEROS.items() for zero in zeros])
def test_a_full_refresh_is_refused(from_mysql: Endpoints, kind: str, zero: str) -> None:
    make(from_mysql, kind, zero)
    table = table_of(from_mysql, key=["id"], load="upsert")
    with pytest.raises(ValueRefused) as caught:
        from_mysql.load(table)
    for text in (table.name, "id=3", "column at", zero[:10], "zero_dates: null"):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "zero", "sorts_into"),
    [
        ("datetime", "2021-02-00 07:00:00", "2021-01-31"),
        ("date", "2021-02-00", "2021-01-31"),
        ("datetime(6)", "2021-00-10", "2020-12-31"),
        ("date", "2021-00-00", "2020-12-31"),
    ],
)
def test_it_belongs_to_no_interval(
    from_mysql: Endpoints, kind: str, zero: str, sorts_into: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A load with NULL would never delete the row again, so that each reload of the day added one."""
    make(from_mysql, kind)
    table = table_of(from_mysql, "null", start="2020-12-01")
    from_mysql.load(table, sorts_into)
    assert "zero date" not in caplog.text
    before = loaded(from_mysql, table)
    from_mysql.source.run("INSERT INTO things VALUES (3, %s)", (zero,))
    from_mysql.load(table, sorts_into)
    assert loaded(from_mysql, table) == before
    assert "rows in which the cursor at is a zero date" in caplog.text
    interval = day(sorts_into)
    with table.source.open(table, from_mysql) as opened:
        assert opened.counts([interval]) == {interval: len(before)}
    (found,) = audit(table, [interval], from_mysql.warehouse, from_mysql)
    assert str(found.verdict) == "equal"


def test_a_zero_date_in_an_interval_is_refused(from_mysql: Endpoints) -> None:
    make(from_mysql, "datetime", "2021-02-00 07:00:00")
    table = table_of(from_mysql)
    with pytest.raises(ValueRefused, match=r"2021-02-00.*zero_dates: null"):
        from_mysql.load(table, "2021-01-31")


@pytest.mark.each_value
@pytest.mark.parametrize("null", ["NULL", "NOT NULL"])
@pytest.mark.parametrize("kind", ["datetime", "date", "timestamp"])
@pytest.mark.parametrize("zero_dates", ["fail", "null"])
def test_a_warning_names_it(
    from_mysql: Endpoints, kind: str, zero_dates: str, null: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(from_mysql, kind, "0000-00-00", null=null)
    from_mysql.load(table_of(from_mysql, zero_dates), "2021-02-05")
    assert "rows in which the cursor at is a zero date" in caplog.text
    assert ("a full refresh fails" in caplog.text) == (zero_dates == "fail")
    assert "cursor at is NULL" not in caplog.text


def test_a_zero_date_flags_no_row_as_deleted(from_mysql: Endpoints) -> None:
    """`deleted_at` is 0000-00-00 in living rows. The counts of the source agree with the rows that a load keeps."""
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at datetime, gone datetime NOT NULL, KEY (at))")
    ends.source.run(
        "INSERT INTO things VALUES (1, '2021-01-31', '0000-00-00'), (2, '2021-01-31', '2021-02-01'), "
        "(3, '2021-01-31', '2021-00-10')"
    )
    table = table_of(ends, "null", "upsert", key=["id"], deleted="gone", on_delete="apply")
    ends.load(table, "2021-01-31")
    assert {row[0] for row in ends.rows(table, "id")} == {1, 3}
    with table.source.open(table, ends) as opened:
        assert opened.counts([day("2021-01-31")]) == {day("2021-01-31"): 2}
    (found,) = audit(table, [day("2021-01-31")], ends.warehouse, ends)
    assert str(found.verdict) == "equal"


def test_the_first_date_is_a_real_one(from_mysql: Endpoints) -> None:
    make(from_mysql, "date", "2000-00-10", "0000-00-00")
    with table_of(from_mysql).source.open(table_of(from_mysql), from_mysql) as opened:
        assert str(opened.first("at")) == "2021-01-31"


@pytest.mark.each_value
@pytest.mark.parametrize("zero_dates", ["fail", "null"])
@pytest.mark.parametrize("kind", ["date", "datetime(6)"])
def test_the_year_0_is_no_zero_date(from_mysql: Endpoints, kind: str, zero_dates: str) -> None:
    """0000-05-03 has a month and a day. No warehouse has such a year, so it is refused, whatever `zero_dates` says."""
    make(from_mysql, kind, "0000-05-03")
    table = table_of(from_mysql, zero_dates, key=["id"], load="upsert")
    with pytest.raises(ValueRefused, match="row id=3, column at: "):
        from_mysql.load(table)
