"""Compare Daybook with bare SQL and with dbt, for 200 summaries in a graph that is ten deep.

`python -m benchmarks.summaries` writes benchmarks/summaries.md. Each way creates the same 200 tables in PostgreSQL, in
turns. The bare SQL runs on one connection, in an order that a person has to know. Daybook finds the order, checks that
each key is unique and not null, and writes the ledger. dbt runs the same two tests for each key.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from benchmarks import warehouse
from benchmarks.machine import machine
from daybook.ledger.ledger import Entry, Ledger
from daybook.summaries.builder.build import build
from daybook.summaries.builder.scheduler import run_in_order
from daybook.summaries.graph import plan_builds
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.postgres import running_postgres

DEEP, WIDE, ROWS, TIMES, AT_ONCE = 10, 20, 200_000, 3, 4
RESULTS = Path(__file__).with_name("summaries.md")
DBT = Path(__file__).parents[1] / ".venv-dbt" / "bin" / "dbt"
Selects = dict[str, str]


def selects() -> Selects:
    """Return the SELECT of each summary by name, in build order."""
    found: Selects = {}
    for number in range(WIDE):
        found[f"s0_{number}"] = (
            f"select user_id, count(*) as answers, sum(score) as total from raw_data.answers "
            f"where user_id % {WIDE} = {number} group by user_id"
        )
    for level in range(1, DEEP):
        for number in range(WIDE):
            one, other = (f"analytics.s{level - 1}_{(number + step) % WIDE}" for step in (0, 1))
            found[f"s{level}_{number}"] = (
                f"select user_id, sum(answers) as answers, sum(total) as total from "
                f"(select * from {one} union all select * from {other}) as both_of_them group by user_id"
            )
    return found


def bare(url: str, folder: Path) -> None:
    """Create a table from each SELECT, one after the other."""
    with create_engine(url).connect() as connection:
        for name, sql in selects().items():
            connection.execute(text(f"CREATE TABLE analytics.{name} AS {sql}"))
            connection.commit()


def daybook(url: str, folder: Path) -> None:
    """Build the summaries as the flow does, without Prefect."""
    target = open_warehouse(create_engine(url))
    graph = plan_builds(target, None, folder / "tables")

    def one(name: str):  # type: ignore[no-untyped-def]
        lineage = graph.lineages[name]
        return build(lineage.summary, lineage, target)

    run_in_order(graph.inputs, one, at_once=AT_ONCE).raise_for_failures()


def dbt(url: str, folder: Path) -> None:
    """Run `dbt build` with the same number of threads, and the tests unique and not_null of each key."""
    done = subprocess.run(
        [DBT, "build", "--project-dir", folder / "dbt", "--profiles-dir", folder / "dbt", "--quiet"],
        env=os.environ | {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"dbt failed:\n{done.stdout[-3000:]}")


WAYS: dict[str, Callable[[str, Path], None]] = {"their own SQL": bare, "Daybook": daybook, "dbt build": dbt}


def write_files(url: str, folder: Path) -> None:
    """Write the files of the summaries, and a dbt project with the same models."""
    ours, models = folder / "tables" / "analytics", folder / "dbt" / "models"
    ours.mkdir(parents=True)
    models.mkdir(parents=True)
    tests = ["version: 2", "models:"]
    for name, sql in selects().items():
        (ours / f"{name}.sql").write_text(sql, encoding="utf-8")
        fields = "description: One row a user.\nowner: benchmark\nkey: [user_id]\n"
        (ours / f"{name}.yaml").write_text(fields, encoding="utf-8")
        level = int(name[1:].split("_")[0])
        for other in (f"s{level - 1}_{number}" for number in reversed(range(WIDE))):
            sql = sql.replace(f"analytics.{other} ", "{{ ref('" + other + "') }} ")
            sql = sql.replace(f"analytics.{other})", "{{ ref('" + other + "') }})")
        (models / f"{name}.sql").write_text(sql, encoding="utf-8")
        tests += [f"  - name: {name}", "    columns: [{name: user_id, data_tests: [unique, not_null]}]"]
    (models / "schema.yml").write_text("\n".join(tests), encoding="utf-8")
    project = "name: bench\nversion: '1.0'\nprofile: bench\nmodels: {+materialized: table}\n"
    (folder / "dbt" / "dbt_project.yml").write_text(project, encoding="utf-8")
    at = make_url(url)
    profile = (
        f"bench: {{target: it, outputs: {{it: {{type: postgres, host: {at.host}, port: {at.port}, user: {at.username}, "
        f"password: '{at.password}', dbname: {at.database}, schema: analytics, threads: {AT_ONCE}}}}}}}\n"
    )
    (folder / "dbt" / "profiles.yml").write_text(profile, encoding="utf-8")


def note_load(url: str) -> None:
    """Record a load of the input table in the ledger, so that Daybook knows when it changes."""
    target, now = open_warehouse(create_engine(url)), datetime.now(UTC)
    ledger = Ledger(target)
    with target.session() as session:
        ledger.ensure(session)
        ledger.record(session, [Entry("raw_data.answers", None, now, ROWS, "replace", None, now, "benchmark", now)])


def measured(way: str, url: str, folder: Path) -> float:
    """Build all summaries in one way, from none. Return the seconds. Exit if a table is missing or empty."""
    warehouse.run(url, "DROP SCHEMA IF EXISTS analytics, daybook CASCADE")
    warehouse.run(url, "CREATE SCHEMA analytics")
    note_load(url)
    began = time.monotonic()
    WAYS[way](url, folder)
    seconds = time.monotonic() - began
    ((rows, answers),) = warehouse.run(url, f"SELECT count(*), sum(answers) FROM analytics.s{DEEP - 1}_0")
    ((tables,),) = warehouse.run(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'analytics'")
    if tables != DEEP * WIDE or not rows or not answers:
        raise SystemExit(f"{way}: {tables} tables, and {rows} rows in the last one")
    return seconds


def lines(seconds: dict[str, list[float]], planning: float, idle: float) -> Iterator[str]:
    """Yield the lines of the page."""
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    beyond = (medians["Daybook"] - medians["their own SQL"]) / (DEEP * WIDE) * 1000
    yield "# 200 summaries in a graph that is ten deep\n"
    yield f"- `python -m benchmarks.summaries`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"- {machine()}"
    yield f"- PostgreSQL from a wheel; {ROWS:,} input rows; in turns, medians of {TIMES}; dbt of requirements-dbt.txt"
    yield f"- On top of the SQL, Daybook takes {beyond:.0f} ms per summary; planning takes {planning:.1f} s in total\n"
    yield "| way | seconds | × the bare SQL |"
    yield "|:--|--:|--:|"
    for way, median in medians.items():
        yield f"| {way} | {median:.1f} | {median / medians['their own SQL']:.1f} × |"
    yield f"| Daybook, when nothing has changed | {idle:.1f} | {idle / medians['their own SQL']:.1f} × |\n"
    yield "The bare SQL runs on one connection, one statement after the other, and checks nothing. Daybook and dbt"
    yield "build up to four at a time, and check that each key is unique and not null. Daybook also writes the ledger."


def main() -> None:
    """Measure all ways in turns, and write the page."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name, running_postgres(Path(name) / "postgres") as server:
        folder = Path(name)
        write_files(server.url, folder)
        warehouse.run(server.url, "CREATE SCHEMA raw_data")
        warehouse.run(
            server.url,
            f"CREATE TABLE raw_data.answers AS SELECT n AS id, n % 2000 AS user_id, n % 11 AS score FROM "
            f"generate_series(1, {ROWS}) n",
        )
        for turn in range(TIMES):
            for way in ("their own SQL", "dbt build", "Daybook"):
                seconds[way].append(measured(way, server.url, folder))
                print(f"turn {turn + 1}, {way}: {seconds[way][-1]:.1f} s", file=sys.stderr)
        began = time.monotonic()
        plan_builds(open_warehouse(create_engine(server.url)), None, folder / "tables")
        planning = time.monotonic() - began
        began = time.monotonic()
        daybook(server.url, folder)
        idle = time.monotonic() - began
    RESULTS.write_text("\n".join(lines(seconds, planning, idle)) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
