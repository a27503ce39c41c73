"""Check the builds of summaries, and that a swap keeps the table with its grants, its comment and its view."""

from daybook.definitions.summary import Summary
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

_DAILY = (
    "SELECT cast(at AS date) AS day, count(*) AS answers, sum(score) AS total FROM {s}.answers "
    "WHERE at >= {start} AND at < {end} GROUP BY 1"
)
_WHOLE = "SELECT id, score, at FROM {s}.answers"
#: What the catalog has of a table that a swap must keep.
_KEPT = (
    "SELECT c.oid, c.relacl, d.description FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0 WHERE n.nspname = %s AND c.relname = %s"
)


@check(
    "summaries: builds",
    page="dg/r_CREATE_TABLE_AS.html",
    expects="a whole summary and one by intervals have the rows of their SELECT after a first build, and after a build "
    "of changed intervals; a build without changes does nothing",
)
def builds(bench: Workbench) -> str:
    """Build both kinds of summaries, change their input, and build again."""
    _answers(bench)
    whole, daily = _summaries(bench)
    for summary in (whole, daily):
        bench.build(summary)
    _compare(bench, "after the first build")
    if bench.build(whole).built or bench.build(daily).built:
        raise Unexpected("a build without changes has built something")
    _change(bench)
    labels = [bench.build(summary).label for summary in (whole, daily)]
    _compare(bench, "after a build of changed intervals")
    return f"both are right after two builds each; the last ones built: {'; '.join(labels)}"


@check(
    "summaries: a swap keeps the table",
    page="dg/r_ALTER_TABLE.html",
    expects="grants, the comment, a view on the table and the table's ID are the same after builds that replace all "
    "rows, and that add, drop and retype a column; the view has the new rows",
)
def swaps(bench: Workbench) -> str:
    """Grant, comment and make a view; then build with other rows and other columns."""
    _answers(bench, "swapped_answers")
    select = "SELECT id, score FROM {s}.swapped_answers"
    bench.build(bench.summary("swapped", select))
    bench.run('GRANT SELECT ON "{s}"."swapped" TO PUBLIC')
    bench.run('COMMENT ON TABLE "{s}"."swapped" IS \'kept\'')
    bench.run('CREATE VIEW "{s}"."swapped_view" AS SELECT id FROM "{s}"."swapped"')
    before = _kept(bench)
    builds = {
        "other rows": select + " WHERE id > 5",
        "an added column": "SELECT id, score, at FROM {s}.swapped_answers",
        "a column of another type": "SELECT id, score, cast(at AS date) AS at FROM {s}.swapped_answers",
        "a dropped column": "SELECT id, score FROM {s}.swapped_answers",
    }
    for what, sql in builds.items():
        built = bench.build(bench.summary("swapped", sql))
        if _kept(bench) != before:
            raise Unexpected(f"{what}: the table had {before} (ID, grants, comment), and now has {_kept(bench)}")
        rows = bench.one('SELECT count(*) FROM "{s}"."swapped_view"')
        if rows != built.rows:
            raise Unexpected(f"{what}: the view returns {rows} rows, and the build has {built.rows}")
    return f"all are the same after builds with {', '.join(builds)}"


def _answers(bench: Workbench, name: str = "answers") -> None:
    bench.make(name, "at timestamp, score int", f"{EVERY_3_HOURS}, n % 11")
    bench.load(bench.table(name), day(0), day(3))


def _change(bench: Workbench) -> None:
    bench.run_in_source("UPDATE {s}.answers SET score = 100 WHERE id = 9")
    bench.load(bench.table("answers"), day(1))


def _summaries(bench: Workbench) -> tuple[Summary, Summary]:
    daily = bench.summary("answers_daily", _DAILY, key=["day"], interval="day", cursor="day")
    return bench.summary("answers_whole", _WHOLE), daily


def _compare(bench: Workbench, when: str) -> None:
    every_day = _DAILY.replace("{start}", "'2000-01-01'").replace("{end}", "'2100-01-01'")
    for name, sql in (("answers_whole", _WHOLE), ("answers_daily", every_day)):
        expected, found = sorted(bench.run(sql)), sorted(bench.run(f'SELECT * FROM "{{s}}"."{name}"'))
        if expected != found:
            raise Unexpected(f"{when}: {name} has {found[:3]}…, and its SELECT returns {expected[:3]}…")


def _kept(bench: Workbench) -> tuple[object, ...]:
    return bench.run(_KEPT, (bench.schema, "swapped"))[0]
