"""`where:` and `query:` of a table file: what they may say, in the SQL of each source."""

import pytest

from daybook.sources.database import Config
from daybook.sources.database.filters.fragment import Refused
from daybook.sources.database.filters.fragment_parser import DIALECTS, check, parse_query, parse_where

BOTH = ("mysql", "postgres")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        "a = 1",
        "country = 'DE' AND name LIKE '%x%' OR price % 2 = 1",
        "a = ':name' and b = 'it''s; -- not {a comment'",
        "a IN (SELECT id FROM b WHERE c)",
        "a = 1 -- with a comment)",
        "a = 1 /* with another ( */ AND b IS NULL",
        "exists (select 1 from b where b.id = a)",
        "note = 'SELECT 1 FOR UPDATE; DROP TABLE x INTO y'",
    ],
)
def test_a_condition(dialect: str, text: str) -> None:
    found = parse_where(text, dialect)
    assert not found.has_placeholders and found.has_subquery == ("from b" in text.lower())
    assert found.sql("", "").startswith(text[:5]) and "comment)" not in found.sql("", "")
    assert found.sql("", "").count("%%") == text.count("%")


@pytest.mark.parametrize(
    ("text", "dialects", "said"),
    [
        ("", BOTH, "it is empty"),
        ("-- all", BOTH, "it is empty"),
        ("1=1) OR (1=1", BOTH, "line 1, column 4, near ') OR (1=1'"),
        ("a = 1 AND (b = 2", BOTH, "line 1, column 11, near '(b = 2'"),
        ("a = 1; DROP TABLE x", BOTH, "line 1, column 6, near '; DROP TABLE x': a second statement"),
        ("a = 1;", BOTH, "a second statement"),
        ("WHERE a = 1", BOTH, "leave out the word WHERE"),
        ("a = 1\n  AND sleep(9)", BOTH, "line 2, column 7, near 'sleep(9)'"),
        ("pg_catalog.pg_sleep(1) IS NULL", BOTH, "pg_sleep() waits"),
        ('"pg_sleep"(1) IS NULL', ("postgres",), "pg_sleep() waits"),
        ("lo_import('/etc/passwd') = 1", BOTH, "lo_import() waits, writes"),
        ("load_file ('/etc/passwd') IS NULL", BOTH, "load_file() waits, writes"),
        ("a = 1 /*!50000 OR 1=1 */", ("mysql",), "column 7, near '/*!50000 OR 1=1 */': the server executes"),
        ("a = 1 /*M! OR 1=1 */", ("mysql",), "the server executes"),
        ("a = 1 /* /* */ OR 1=1 */", ("mysql",), ""),
        (f"{'(' * 5000}a{')' * 5000}", BOTH, "nested too deeply"),
        ("a = 'x", BOTH, "is not closed"),
        ("a = 1 /* x", BOTH, "not closed"),
        ("a, b", BOTH, "expected one condition"),
        ("a AS b", BOTH, "expected one condition"),
        ("SELECT 1", BOTH, "expected one condition"),
        ("a = 1 ORDER BY a", BOTH, "line 1, column 7, near 'ORDER BY a'"),
        ("a = 1 LIMIT 1", BOTH, "near 'LIMIT 1'"),
        ("a = 1 UNION SELECT 2", BOTH, "near 'UNION SELECT 2'"),
        ("exists (select 1 from b for update)", BOTH, "FOR UPDATE"),
        ("exists (select 1 from b lock in share mode)", BOTH, "LOCK"),
        ("a = {start}", BOTH, "only query: has {start} and {end}"),
        ("a = '{start}'", BOTH, "inside of quotes"),
        ("a = {now}", BOTH, "expected {start} or {end}"),
        ("a = :name", BOTH, "':name' is a parameter"),
        ("a = %s", BOTH, ""),
        ("a = %(name)s", BOTH, ""),
        ("a = @x", BOTH, "variable or parameter"),
        ("a = @@hostname", ("mysql",), "variable"),
        ("a = $1", ("postgres",), "parameter"),
        ("a = ?", BOTH, "parameter"),
        ("a = = 1", BOTH, "line 1, column"),
    ],
)
def test_no_condition(text: str, dialects: tuple[str, ...], said: str) -> None:
    for dialect in dialects:
        with pytest.raises(Refused) as refusal:
            parse_where(text, dialect)
        assert said in str(refusal.value), dialect


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        "SELECT a, b AS c FROM d",
        "select * from b join c on b.id = c.id where note like '%x%';",
        "WITH x AS (SELECT * FROM b) SELECT a, count(*) AS n FROM x GROUP BY a",
        "SELECT a FROM b UNION ALL SELECT c FROM d",
        "SELECT start, DAYBOOK, DAYBO FROM b",
        "SELECT a -- the {start} of it\nFROM b",
        "(SELECT a FROM b)",
        "SELECT date(at) AS day, sum(x) AS x FROM b WHERE at >= {start} AND at < {end} GROUP BY date(at)",
        "SELECT a FROM (SELECT a FROM b WHERE at < {end}) AS q JOIN c ON c.at >= {start}",
    ],
)
def test_a_query(dialect: str, text: str) -> None:
    found = parse_query(text, dialect)
    assert found.has_placeholders == ("{start} A" in text or "{end})" in text)
    sql = found.sql("START", "END")
    assert "{" not in sql and ";" not in sql and "--" not in sql


@pytest.mark.parametrize(
    ("text", "dialects", "said"),
    [
        ("DELETE FROM b", BOTH, "expected SELECT"),
        ("INSERT INTO x SELECT 1", BOTH, "INTO writes"),
        ("VALUES (1)", BOTH, "expected SELECT"),
        ("CALL p()", BOTH, "expected SELECT"),
        ("SHOW TABLES", BOTH, "expected SELECT"),
        ("SELECT a FROM b; SELECT 1", BOTH, "column 16, near '; SELECT 1': a second statement"),
        ("SELECT a FROM b;;", BOTH, "a second statement"),
        ("SELECT * FROM b INTO OUTFILE '/tmp/x'", BOTH, "column 17, near"),
        ("SELECT a INTO c FROM b", BOTH, "INTO writes"),
        ("SELECT a FROM b FOR UPDATE", BOTH, "remove FOR UPDATE"),
        ("SELECT a FROM b FOR NO KEY UPDATE", BOTH, "remove FOR NO"),
        ("WITH x AS (DELETE FROM b RETURNING *) SELECT * FROM x", BOTH, "DELETE … is not allowed"),
        ("WITH x AS (UPDATE b SET a = 1 RETURNING *) SELECT * FROM x", BOTH, "UPDATE … is not allowed"),
        ("SELECT a FROM b) AS q; DROP TABLE c; SELECT * FROM (SELECT 1", BOTH, "closes no parenthesis"),
        ("SELECT count(*) FROM b", BOTH, "the expression number 1"),
        ("SELECT a, 'x' FROM b", BOTH, "the expression number 2"),
        ("SELECT {start} AS day, sum(x) AS x FROM b", BOTH, "{start} may only limit rows"),
        ("SELECT a, (SELECT max(x) FROM c WHERE at < {end}) AS m FROM b", BOTH, "{end} may only limit rows"),
        ("SELECT a FROM b WHERE at = '{end}'", BOTH, "{end} is inside of quotes"),
        ("SELECT a FROM b WHERE at = {execution_date}", BOTH, "near '{execution_date}'"),
        ("SELECT /*+ MAX_EXECUTION_TIME(1) */ a FROM b", ("mysql",), "hints are not supported"),
        ("SELECT a FROM b WHERE", BOTH, "something is missing"),
        ("SELECT", BOTH, "it returns no column"),
        ("SELEC a FROM b", BOTH, "expected SELECT"),
        ("SELECT nextval('x') AS n", BOTH, "nextval() waits, writes"),
    ],
)
def test_no_query(text: str, dialects: tuple[str, ...], said: str) -> None:
    for dialect in dialects:
        with pytest.raises(Refused) as refusal:
            parse_query(text, dialect)
        assert said in str(refusal.value), dialect


def test_before_the_database_is_known() -> None:
    """The SQL of one kind of source is enough. The error is that of the dialect whose quotes it has."""
    assert check("`a` = 1", parse_where) and check("a::date > '2021-01-01'", parse_where)
    with pytest.raises(Refused, match="not SQL of MySQL"):
        check("`a` = = 1", parse_where)
    with pytest.raises(Refused, match="not SQL of PostgreSQL"):
        check("a = = 1", parse_where)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "table: is missing"),
        ({"table": "a.b", "query": "SELECT 1 AS a"}, "exclude each other"),
        ({"table": "a.b", "where": "a = 1) OR (b"}, "line 1, column 6"),
        ({"query": "DELETE FROM a"}, "expected SELECT"),
    ],
)
def test_a_wrong_source(fields: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=r"Config") as refusal:
        Config(kind="database", **fields)
    assert said in str(refusal.value)
