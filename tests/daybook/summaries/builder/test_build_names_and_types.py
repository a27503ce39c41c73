"""Names, texts and types as people write them: what is built is what the files say, or nobody sees it."""

from datetime import date
from typing import Any

import pytest

from daybook.errors import BuildFailed, DaybookError, NullKey, TableFileError
from tests.support.summary_cli import PER_DAY, Desk

pytestmark = pytest.mark.any_warehouse

IDS = "select id, score from {raw}.answers"
#: Two that share all that fits into the name of a build table, and two that Redshift's quoting must not confuse.
NAMES = ["Upper", "with blank", "order", 'quo"te', "per%s", "back\\slash", "it's", "a.b", "größe" * 5]
NAMES += ["a" * 59 + "x", "a" * 59 + "y"]


def test_any_name_will_do(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    for name in NAMES:
        summary = desk.summary(name, IDS, key=["id"])
        if name == "Upper" and desk.ends.on_redshift:
            with pytest.raises(TableFileError, match=rf"stores its name as {desk.raw}\.upper"):
                desk.build(summary)
            continue
        assert desk.build(summary).rows == 1
        assert not desk.build(summary).built
        assert desk.build(summary, full_refresh=True).rows == 1
        found = desk.run(f"SELECT * FROM {desk.ends.warehouse.quote(desk.raw, name)}", ())
        assert found == [(1, 9)], name
    assert desk.left_behind() == []


def test_what_a_failed_build_has_left_is_removed_by_its_own_summary_alone(desk: Desk) -> None:
    """Also where names are so long that their build tables begin alike; and a person's table is no build table."""
    desk.answer((1, "2021-02-05 10:00", 9))
    one, other = (desk.summary("a" * 59 + end, IDS, key=["id"]) for end in "xy")
    failing = desk.summary("a" * 59 + "x", IDS + " where id > 1", key=["id"])
    desk.run("CREATE TABLE {raw}.seen__build_notebook AS SELECT 1 AS id")
    with pytest.raises(DaybookError):
        desk.build(failing)
    (kept, _) = desk.left_behind()
    desk.build(other)
    desk.build(desk.summary("seen", IDS, key=["id"]))
    assert desk.left_behind() == [kept, "seen__build_notebook"]
    desk.build(one)
    assert desk.left_behind() == ["seen__build_notebook"]


def test_a_name_that_would_be_cut_is_refused(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    longest = desk.ends.warehouse.longest_name
    with pytest.raises(TableFileError, match=rf"has {longest + 1} bytes, but \w+ cuts names at {longest}"):
        desk.build(desk.summary("n" * (longest + 1), IDS, key=["id"]))


def test_texts_and_columns_are_taken_as_they_are_written(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    sql = """select id as "Id %s", '{"a": 1}' as json, '{start}' as placeholder, '10%' as percent, 'it''s' as "order",
        '€😀' as "größe" from {raw}.answers where '10%' like '10%' and 'a%b' like 'a%%b'; -- it's {all} 100% done
        ; /* { */"""
    summary = desk.summary("texts", sql, key=["Id %s", "größe"], columns={"Id %s": "bigint"})
    desk.build(summary)
    desk.build(summary, full_refresh=True)
    assert desk.rows("texts") == [(1, '{"a": 1}', "{start}", "10%", "it's", "€😀")]


def test_key_and_cursor_are_found_however_the_warehouse_keeps_their_names(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    sql = PER_DAY.replace(" as day", ' as "Day"')
    summary = desk.summary("upper", sql, key="Day", interval="day", cursor="Day", columns={"Day": "timestamp"})
    desk.build(summary)
    desk.answer((2, "2021-02-06 10:00", 3), load="2021-02-06")
    assert desk.build(summary).label == "2021-02-06"
    assert len(desk.rows("upper")) == 2


#: What does not fit: (fields of the summary, the SELECT, error, words).
UNFIT: dict[str, tuple[dict[str, Any], str, type[DaybookError], list[str]]] = {
    "a text that a cast would cut": (
        {"columns": {"code": "varchar(3)"}},
        "select id, 'far longer than that' as code from {raw}.answers",
        BuildFailed,
        ["too long", "code: varchar(3)", "kept as"],
    ),
    "a text that is no number": (
        {"columns": {"code": "integer"}},
        "select id, 'abc' as code from {raw}.answers",
        BuildFailed,
        ["integer", "code: integer", "unfit.yaml"],
    ),
    "a number out of range": (
        {"columns": {"code": "smallint"}},
        "select id, 99999999 as code from {raw}.answers",
        BuildFailed,
        ["out of range", "code: smallint", "unfit.yaml"],
    ),
    "no cast": (
        {"columns": {"code": "date"}},
        "select id, true as code from {raw}.answers",
        BuildFailed,
        ["cannot cast", "code: date", "unfit.yaml"],
    ),
    "a cursor that is a text": (
        {"interval": "month", "cursor": "month"},
        "select 1 as id, to_char(at, 'YYYY-MM') as month from {raw}.answers",
        TableFileError,
        ["cursor 'month' is of type text", "Cast it", "unfit.yaml"],
    ),
    "days, built by the hour": (
        {"interval": "hour", "cursor": "day"},
        "select 1 as id, cast(at as date) as day from {raw}.answers",
        TableFileError,
        ["cursor 'day' is a date", "interval: day", "unfit.yaml"],
    ),
    "a row without its cursor": (
        {"interval": "day", "cursor": "day"},
        "select id, nullif(cast(at as date), cast(at as date)) as day from {raw}.answers",
        NullKey,
        ["1 of 1 rows have NULL in the cursor (day)", "unfit.yaml"],
    ),
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_what_does_not_fit_is_refused_at_the_first_build(desk: Desk, unfit: str) -> None:
    fields, sql, error, words = UNFIT[unfit]
    desk.answer((1, "2021-02-05 10:00", 9))
    with pytest.raises(error) as caught:
        desk.build(desk.summary("unfit", sql, **{"key": ["id"]} | fields))
    assert [word for word in [f"{desk.raw}.unfit", *words] if word not in str(caught.value)] == []


def test_a_text_fits_that_is_as_long_as_its_column(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    columns = {"code": "varchar(3)", "id": "varchar(20)", "long": "text"}
    sql = "select id, 'äbc' as code, cast(at as date) as day, 'x' as long from {raw}.answers where at >= {{start}}"
    fields = {"key": "id", "interval": "day", "cursor": "day", "columns": columns}
    desk.build(desk.summary("fits", sql, **fields))
    desk.answer((2, "2021-02-06 10:00", 3), (3, "2021-02-08 10:00", 3), load="2021-02-06")
    desk.note("answers", "2021-02-08")
    assert desk.build(desk.summary("fits", sql, **fields)).label == "2021-02-06, 2021-02-08"
    days = [date(2021, 2, day) for day in (5, 6, 8)]
    assert desk.rows("fits") == [(str(number), "äbc", day, "x") for number, day in enumerate(days, 1)]


def test_an_instant_has_its_day_in_the_zone_of_the_summary(desk: Desk) -> None:
    """By the session's clock, over the night in which Berlin's goes forward; an instant is compared by it too."""
    desk.run("CREATE TABLE {raw}.visits (id int, at timestamptz)")
    for number, at in enumerate(["27 22:59:59", "27 23:00", "28 21:59:59", "28 22:00"]):
        desk.run("INSERT INTO {raw}.visits VALUES (%s, %s)", (number, f"2021-03-{at}+00"))
    desk.note("visits", "2021-03-27", "2021-03-30")
    sql = PER_DAY.replace("answers\n", "visits\n").replace("sum(score)", "min(id)")
    summary = desk.summary("berlin", sql, key="day", interval="day", cursor="day", timezone="Europe/Berlin")
    expected = [(date(2021, 3, 27), 1, 0), (date(2021, 3, 28), 2, 1), (date(2021, 3, 29), 1, 3)]
    desk.build(summary)
    assert desk.rows("berlin") == expected
    desk.note("visits", "2021-03-28")
    assert desk.build(summary).label == "2021-03-28 until 2021-03-30"
    assert desk.rows("berlin") == expected
