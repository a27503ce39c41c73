"""The inputs and the columns of a summary, parsed from its SQL in both dialects, and the SQL that is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.definitions.summary import Summary
from daybook.errors import TableFileError
from daybook.summaries.parse import table_names
from daybook.summaries.parse.determinism import is_repeatable
from daybook.summaries.parse.lineage import Lineage, read
from daybook.summaries.parse.output_columns import columns
from daybook.warehouses.postgres_family import PostgresFamily

DIALECTS = ["postgres", "redshift"]
LIVE = {
    "raw.nps": dict.fromkeys(("id", "created_at", "score"), ""),
    "raw.users": dict.fromkeys(("id", "country", "payload"), ""),
    "raw.view": {},  # a late-binding view, whose columns are unknown
}


def lineage_of(sql: str, dialect: str = "postgres", **fields: Any) -> Lineage:
    summary = Summary(name="analytics.summary", sql=sql, description="x", owner="tests", key=["id"], **fields)
    return read(summary, dialect)


INPUTS = {
    "one table": ("select id from raw.nps", ["raw.nps"]),
    "a join": ("select n.id from raw.nps n left join raw.users as u on u.id = n.id", ["raw.nps", "raw.users"]),
    "a comma": ("select 1 as a from raw.nps, raw.users", ["raw.nps", "raw.users"]),
    "a CTE": ("with days as (select * from raw.nps) select * from days", ["raw.nps"]),
    "a CTE named as a table": ("with nps as (select * from raw.nps) select * from nps", ["raw.nps"]),
    "a CTE in a CTE": ("with a as (with b as (select * from raw.nps) select * from b) select * from a", ["raw.nps"]),
    "a CTE of a CTE": ("with a as (select * from raw.nps), b as (select * from a) select * from b", ["raw.nps"]),
    "a recursive CTE": (
        "with recursive t as (select id from raw.nps union all select t.id from t join raw.users u on u.id = t.id) "
        "select * from t",
        ["raw.nps", "raw.users"],
    ),
    "a subquery": ("select id from (select id from (select id from raw.nps) as a) as b", ["raw.nps"]),
    "a subquery as a value": ("select (select max(score) from raw.nps) as best", ["raw.nps"]),
    "EXISTS": (
        "select id from raw.users u where exists (select 1 from raw.nps where raw.nps.id = u.id)",
        ["raw.nps", "raw.users"],
    ),
    "UNION": ("select id from raw.nps union (select id from raw.users) order by id", ["raw.nps", "raw.users"]),
    "brackets": ("((select id from raw.nps))", ["raw.nps"]),
    "a join in brackets": ("select 1 as a from (raw.nps join raw.users using (id))", ["raw.nps", "raw.users"]),
    "upper case": ("SELECT ID FROM RAW.NPS", ["raw.nps"]),
    "quotes": ('select id from "raw"."nps"', ["raw.nps"]),
    "a comment": ("select id -- from raw.users\nfrom raw.nps /* , raw.users */", ["raw.nps"]),
    "a string": ("select 'from raw.users' as said from raw.nps where 'raw.users' <> ''", ["raw.nps"]),
    "a table function": ("select g from generate_series(1, 3) as g, pg_catalog.generate_series(1, 3)", []),
    "no table": ("select 1 as one", []),
    "semicolons at the end": ("select id from raw.nps;; -- done", ["raw.nps"]),
    "placeholders": ("select id from raw.nps where created_at >= {start} and created_at < {end}", ["raw.nps"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("sql", "inputs"), INPUTS.values(), ids=INPUTS)
def test_the_inputs_of_a_summary(sql: str, inputs: list[str], dialect: str) -> None:
    assert list(lineage_of(sql, dialect, interval="day", cursor="id").inputs) == inputs


def test_a_quoted_name_keeps_its_case_only_in_postgresql() -> None:
    sql = 'select id from "Raw"."NPS"'
    assert (lineage_of(sql, "postgres").inputs, lineage_of(sql, "redshift").inputs) == (("Raw.NPS",), ("raw.nps",))


def test_on_redshift_a_path_into_a_super_is_not_a_table() -> None:
    assert lineage_of("select l.price as p from raw.users u, u.payload l", "redshift").inputs == ("raw.users",)


REFUSED = {
    "a NUL character": ("select id\nfrom raw.nps\0", "line 2", "NUL character", "save the file again"),
    "nothing": ("", "no SQL"),
    "comments alone": ("-- select id from raw.nps", "no SQL"),
    "not SQL": ("select id,\nfrom raw nps nps", "line 2", "'nps'"),
    "a bracket too many": ("select (id from raw.nps", "line 1", "bracket"),
    "an open quote": ("select 'id from raw.nps", "is not closed"),
    "two statements": ("select 1 as a;\nselect 2 as b", "2 statements", "WITH"),
    "a semicolon alone": (";", "no SQL"),
    "a word misspelt": ("selec id from raw.nps", "begins with SELEC"),
    "WITH … DELETE": ("with a as (select 1 as x) delete from raw.nps", "DELETE"),
    "INSERT": ("insert into raw.nps select 1", "INSERT", "one SELECT"),
    "DELETE": ("delete from raw.nps", "DELETE"),
    "CREATE": ("create table raw.x as select 1 as a", "CREATE"),
    "DROP": ("drop table raw.nps", "DROP"),
    "CALL": ("call raw.refresh()", "CALL"),
    "TABLE": ("table raw.nps", "TABLE"),
    "INSERT in a CTE": ("with x as (\n insert into raw.nps select 1 as id returning id) select id from x", "INSERT"),
    "DELETE in a CTE": ("with x as (delete from raw.nps returning id)\nselect id from x", "line 1", "DELETE"),
    "SELECT INTO": ("select id into raw.copy from raw.nps", "INTO", "remove INTO"),
    "FOR UPDATE": ("select id from raw.nps for update", "FOR UPDATE"),
    "a table without its schema": ("select id\nfrom nps", "line 2", "nps", "raw_data.nps"),
    "a CTE's name before it": ("with a as (select * from b), b as (select 1 as x) select * from a", "b has no schema"),
    "a CTE that is not recursive": ("with nps as (select * from nps) select * from nps", "nps has no schema"),
    "a CTE of another query": ("select * from (with c as (select 1 as x) select * from c) s, c", "c has no schema"),
    "another database": ("select id from prod.raw.nps", "prod.raw.nps", "schema.table"),
    "a dot too many": ("select id from raw..nps", "schema.table"),
    "itself": ("select id\n from Analytics.Summary", "line 2", "reads itself"),
    "another placeholder": ("select {day} as day", "{day} is not a placeholder", "{start} or {end}"),
    "a placeholder with blanks": ("select { start } as day", "{start} or {end}, without spaces"),
    "a brace": ("select 1 } as day", "without a {"),
    "a placeholder in quotes": ("select '{start}' as day", "in quotes", "TIMESTAMP"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_sql_that_is_refused(case: tuple[str, ...], dialect: str) -> None:
    sql, *words = case
    with pytest.raises(TableFileError) as caught:
        lineage_of(sql, dialect, interval="day", cursor="id")
    for text in ("analytics/summary.sql", *words):
        assert text in str(caught.value)


def test_a_placeholder_needs_a_summary_with_an_interval() -> None:
    with pytest.raises(TableFileError, match=r"summary\.sql, line 1: \{start\} needs .* add interval: and cursor: to"):
        lineage_of("select id from raw.nps where created_at > {start}")


def test_braces_in_a_text_are_not_placeholders() -> None:
    assert lineage_of("""select '{"a": 1}' as json, '{start}' as said from raw.nps""").inputs == ("raw.nps",)


REPLACED = {
    "an alias": ("select n.id from raw.nps as n", 'select n.id from "T" as n'),
    "no alias": ("select nps.id from raw.nps", 'select nps.id from "T" AS nps'),
    "a column with its schema": ("select raw.NPS.id from raw.nps", 'select NPS.id from "T" AS nps'),
    "another table's name in a text": (
        "select 'raw.nps' as raw from raw.nps",
        "select 'raw.nps' as raw from \"T\" AS nps",
    ),
    "quotes": ('select id from "raw"."nps" /* raw.nps */', 'select id from "T" AS "nps"'),
    "umlauts before it": ("select 'äöü' as a from raw.nps", "select 'äöü' as a from \"T\" AS nps"),
    "a semicolon": ("select id from raw.nps ; -- done", 'select id from "T" AS nps'),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("sql", "expected"), REPLACED.values(), ids=REPLACED)
def test_another_table_is_put_into_the_text(sql: str, expected: str, dialect: str) -> None:
    found = lineage_of(sql, dialect)
    assert table_names.statement(table_names.replaced(sql, found.places, {"raw.nps": '"T"'}), dialect) == expected


def test_two_tables_of_the_same_name_get_different_aliases() -> None:
    found = lineage_of("select a.nps.id from a.nps join b.nps on a.nps.id = b.nps.id")
    text = table_names.replaced(found.summary.sql, found.places, {"a.nps": '"A"', "b.nps": '"B"'})
    assert text == 'select "a.nps".id from "A" AS "a.nps" join "B" AS "b.nps" on "a.nps".id = "b.nps".id'


#: Parts of FROM, each with the table that it reads. The SQL around them reads no table.
tables = st.sampled_from(["raw.nps", 'Raw."users"', "lake.nps", '"other schema"."from"'])
froms = st.recursive(
    st.tuples(tables, st.sampled_from(["", " as t", " u", ' as "raw.x"'])).map(
        lambda pair: (pair[0] + pair[1], {pair[0]})
    ),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"(select 1 as x /* raw.no */ from {one[0]}) as s", one[1])),
        inner.map(lambda one: (f"(with nps as (select 1 as x from {one[0]}) select * from nps) as s", one[1])),
        st.tuples(inner, inner).map(
            lambda two: (
                f"(select 'raw.no' as x from {two[0][0]} union select 'ä' from {two[1][0]}) as s",
                two[0][1] | two[1][1],
            )
        ),
        st.tuples(inner, inner).map(
            lambda two: (
                f"(select 1 as x from {two[0][0]} where exists (select 2 from {two[1][0]})) as s",
                two[0][1] | two[1][1],
            )
        ),
    ),
    max_leaves=6,
)


@given(froms, st.sampled_from(DIALECTS))
def test_every_table_is_found_and_nothing_else_is_changed(case: tuple[str, set[str]], dialect: str) -> None:
    source, names = case
    found = lineage_of(f"select 1 as id from {source}", dialect)
    expected = {name.replace('"', "").lower() for name in names}
    assert set(found.inputs) == expected
    moved = {name: f"moved.t{number}" for number, name in enumerate(sorted(expected))}
    text = table_names.replaced(found.summary.sql, found.places, moved)
    assert set(lineage_of(text, dialect).inputs) == set(moved.values())


GIVEN = {
    "columns": ("select id, score as points from raw.nps", ["id", "points"]),
    "a star": ("select * from raw.nps", ["id", "created_at", "score"]),
    "a star of an alias": ("select u.*, n.score from raw.users u, raw.nps n", ["id", "country", "payload", "score"]),
    "a star of a CTE": ("with a as (select id, 1 as b from raw.nps) select * from a", ["id", "b"]),
    "a cast keeps the name": ("select created_at::date, cast(id as text) from raw.nps", ["created_at", "id"]),
    "a star of unknown columns": ("select *, 1 as one from raw.view", ["*", "one"]),
    "a column of a table with unknown columns": ("select whatever from raw.view", ["whatever"]),
    "UNION": ("select id as a from raw.nps union select id from raw.users order by a", ["a"]),
    "an alias used in the same SELECT": ("select score + 1 as a, a * 2 as b from raw.nps", ["a", "b"]),
    "numbers for columns": (
        "select score, count(*) as n from raw.nps group by 1 order by 2 desc, score",
        ["score", "n"],
    ),
    "HAVING an alias": ("select id, sum(score) as s from raw.nps group by id having s > 1", ["id", "s"]),
    "a correlated subquery": (
        "select id from raw.users u where exists (select 1 from raw.nps where score > 3 and country = 'de')",
        ["id"],
    ),
    "USING": ("select id, country from raw.nps join raw.users using (id)", ["id", "country"]),
    "system columns and clocks": (
        "select ctid, sysdate as now, current_user as me from raw.nps",
        ["ctid", "now", "me"],
    ),
    "parts of a date": (
        "select datediff(days, created_at, created_at) as d, date_part(dow, created_at) as w from raw.nps",
        ["d", "w"],
    ),
    "a whole row": ("select row_to_json(n) as row from raw.nps n", ["row"]),
    "a table function": ("select g.day from generate_series(1, 3) as g(day)", ["day"]),
    "names for a subquery's columns": ("select b from (select id from raw.nps) as a(b)", ["b"]),
    "QUALIFY": ("select id, row_number() over (order by id) as r from raw.nps qualify r = 1", ["id", "r"]),
    "a recursive CTE": (
        "with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select n from t",
        ["n"],
    ),
    "a name that two have": ("select score as s from raw.nps a join raw.nps b on a.id = b.id", ["s"]),
    "a path into a SUPER": ("select u.payload.a.b as x, payload.c as y from raw.users u", ["x", "y"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("sql", "expected"), GIVEN.values(), ids=GIVEN)
def test_the_columns_of_a_summary(sql: str, expected: list[str], dialect: str) -> None:
    assert columns(lineage_of(sql, dialect), LIVE, PostgresFamily.system_columns) == expected


WRONG = {
    "a table": ("select id from raw.npz", "raw.npz", "did you mean 'raw.nps'"),
    "a schema": ("select id from rwa.users", "rwa.users", "did you mean 'raw.users'"),
    "a column": ("select id,\n scoer from raw.nps", "line 2", "scoer", "did you mean 'score'?"),
    "a column of an alias": ("select n.scoer from raw.nps n", "n has no column scoer", "did you mean 'score'?"),
    "a column in WHERE": ("select id from raw.nps where creatd_at > '2021-02-05'", "did you mean 'created_at'?"),
    "a column in GROUP BY": ("select 1 as a from raw.nps group by scor", "did you mean 'score'?"),
    "a column in a function": ("select coalesce(scor, 1) as a from raw.nps", "did you mean 'score'?"),
    "a column not in a CTE": (
        "with c as (select id from raw.nps) select score from c",
        "score",
        "choose from id",
    ),
    "a column of another CTE": (
        "with c as (select score from raw.nps), d as (select id from c) select 1 as a from d",
        "no input has the column id",
    ),
    "an alias": ("select x.id from raw.nps n", "FROM has no x", "choose from n"),
    "an alias before a star": ("select x.* from raw.nps n", "FROM has no x"),
    "a column of USING": ("select id from raw.nps join raw.users using (uid)", "USING (uid)"),
    "a number in ORDER BY": ("select id from raw.nps order by 3", "ORDER BY 3"),
    "no name": ("select id,\n count(*) from raw.nps group by 1", "column 2", "AS"),
    "no name, in a UNION": ("select 1 + 1 from raw.nps union select id from raw.nps", "column 1", "AS"),
    "a name twice": ("select id, score as id from raw.nps", "called id", "AS"),
    "a name twice, by a star": ("select n.*, u.country, u.id from raw.nps n, raw.users u", "called id", "AS"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_unknown_tables_and_columns(case: tuple[str, ...], dialect: str) -> None:
    sql, *words = case
    with pytest.raises(TableFileError) as caught:
        columns(lineage_of(sql, dialect), LIVE, PostgresFamily.system_columns)
    for text in ("analytics/summary.sql", *words):
        assert text in str(caught.value)


def test_all_wrong_columns_are_in_one_error() -> None:
    with pytest.raises(TableFileError) as caught:
        columns(lineage_of("select scoer,\n n.idd from raw.nps n"), LIVE)
    assert [line[:29] for line in str(caught.value).splitlines()] == [
        "analytics/summary.sql, line 1",
        "analytics/summary.sql, line 2",
    ]


FLEETING = [
    *("current_date", "now()", "getdate()", "sysdate", "trunc(sysdate)", "random()", "'today'::date", "localtimestamp"),
    *("clock_timestamp()", "gen_random_uuid()", "CURRENT_TIMESTAMP", "Timeofday()"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("expression", FLEETING)
def test_a_select_with_a_clock_or_random_values_is_not_deterministic(expression: str, dialect: str) -> None:
    lineage = lineage_of(f"select id from raw.nps where x = (select {expression} as y)", dialect)
    assert not is_repeatable(lineage, PostgresFamily.volatile_functions)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_select_without_them_is_deterministic(dialect: str) -> None:
    sql = "select id, 'now()' as said, now_at, random, created_at::date as d from raw.nps -- current_date"
    assert is_repeatable(lineage_of(sql, dialect), PostgresFamily.volatile_functions)
