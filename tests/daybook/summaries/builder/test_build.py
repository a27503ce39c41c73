"""A build: readers see the last good one until the next is checked; what goes wrong is told."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.errors import (
    BuildFailed,
    CheckFailed,
    DaybookError,
    DuplicateKey,
    EmptyBuild,
    NullKey,
    SchemaMismatch,
    TableFileError,
)
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.summary_cli import Desk, days

pytestmark = pytest.mark.any_warehouse

ROOT = Path(__file__).parents[4]
WHOLE = "select id, score from {raw}.answers"


@contextlib.contextmanager
def reading(look: Callable[[], Any]) -> Iterator[list[Any]]:
    """What a reader who looks again and again sees while the block runs: each different answer once, in order."""
    seen: list[Any] = []
    stop = threading.Event()

    def read() -> None:
        last = False
        while not last:
            last = stop.is_set()  # once more after the block, whose end may have come between two looks
            try:
                found = look()
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            if not seen or seen[-1] != found:
                seen.append(found)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def test_it_is_built_and_noted_with_what_it_read(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-06 10:00", 3), load="2021-02-05", until="2021-02-07")
    built = desk.build(desk.summary(), flow_run_id="run-1")
    assert desk.rows("per_day") == [(date(2021, 2, 5), 1, 9), (date(2021, 2, 6), 1, 3)]
    assert (built.rows, built.label, built.why) == (2, "all of it", "it was never built before")
    assert desk.ledger("per_day") == [(None, "2021-02-07", 2)]
    assert desk.run(
        "SELECT table_name, input_name, load_id FROM daybook.inputs WHERE table_name = '{raw}.per_day'"
    ) == [(f"{desk.raw}.per_day", f"{desk.raw}.answers", built.entries[0].load_id)]
    assert built.entries[0].flow_run_id == "run-1"
    assert desk.left_behind() == []


def test_nothing_is_done_where_nothing_has_changed(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    again = desk.build(desk.summary(owner="others"))
    assert not again.built
    assert again.why.startswith("nothing to do")
    assert len(desk.ledger("per_day")) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"full_refresh": True}, "requested"),
        ({"sql": "select cast(at as date) as day, count(*) as answers from {raw}.answers group by 1"}, "its files"),
        ({"columns": {"total": "decimal(10,2)"}}, "its files"),
        ({"drop": True}, "dropped"),
        ({"load": True}, "reloaded"),
    ],
    ids=["requested", "another SELECT", "another type", "its table was dropped", "an input was loaded whole"],
)
def test_all_of_it_is_built_again(desk: Desk, change: dict[str, Any], why: str) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    if "drop" in change:
        desk.run("DROP TABLE {raw}.per_day")
    if "load" in change:
        desk.note("answers", None)
    fields = {name: value for name, value in change.items() if name in ("sql", "columns")}
    summary = desk.summary(**{"key": ["day"], "interval": "day", "cursor": "day"} | fields)
    built = desk.build(summary, full_refresh="full_refresh" in change)
    assert why in built.why
    assert (built.label, built.rows) == ("all of it", 1)
    assert desk.rows("per_day", "day, answers") == [(date(2021, 2, 5), 1)]


def test_what_the_ledger_does_not_know_is_built_each_time(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    for _ in range(2):
        assert desk.build(desk.summary("ids", WHOLE, key=["id"])).built


def test_types_are_those_that_the_file_declares(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    fields = {"key": "id", "columns": {"share": "decimal(5,2)", "nothing": "varchar(10)"}}
    desk.build(desk.summary("shares", "select id, score / 7.0 as share, null as nothing from {raw}.answers", **fields))
    assert desk.rows("shares") == [(1, Decimal("1.29"), None)]
    types = desk.database.types(f"{desk.raw}.shares")
    assert (types["share"], types["nothing"][:17]) == ("numeric(5,2)", "character varying")


#: What goes wrong, and what the error says beside the table: (fields of the summary, the SELECT, error, words).
BAD: dict[str, tuple[dict[str, Any], str, type[DaybookError], list[str]]] = {
    "empty": ({}, WHOLE + " where id > 100", EmptyBuild, ["returned no rows", "allow_empty"]),
    "duplicate key": (
        {},
        "select a.id, a.score from {raw}.answers a join {raw}.answers b on b.score > 0",
        DuplicateKey,
        ["id=1 (2 rows)", "a join matches more than one row"],
    ),
    "a key that is NULL": (
        {},
        "select nullif(id, 2) as id, score from {raw}.answers",
        NullKey,
        ["1 of 2 rows have NULL in the key (id)"],
    ),
    "failed input check": (
        {"input_checks": [{"sql": "select count(*) from {raw}.answers", "at_least": 150000}]},
        WHOLE,
        CheckFailed,
        [": inputs: ", "select count(*) from", "returned 2", "at least 150,000"],
    ),
    "failed output check": (
        {"output_checks": [{"sql": "select max(score) from {table}", "at_most": 5}, {"not_null": ["score"]}]},
        WHOLE,
        CheckFailed,
        [": build: ", "select max(score) from", "returned 9", "at most 5"],
    ),
    "changed too much": (
        {"output_checks": [{"change_within": "20%"}]},
        WHOLE + " where id = 1",
        CheckFailed,
        [": build: ", "returned 1"],
    ),
    "SQL error": (
        {},
        "select id,\n score / (score - score) as x\nfrom {raw}.answers",
        BuildFailed,
        ["division by zero"],
    ),
    "unknown column": ({}, "select id,\n\n scor\nfrom {raw}.answers", BuildFailed, ["line 3 of good.sql", "scor"]),
    "two columns of one name": ({}, "select id, score as id from {raw}.answers", TableFileError, ["'id'", "AS"]),
    "no column for the key": ({"key": ["ident"]}, WHOLE, TableFileError, ["'ident'", "id, score"]),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_build_leaves_the_last_good_one(desk: Desk, bad: str) -> None:
    fields, sql, error, words = BAD[bad]
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-06 10:00", 3))
    desk.build(desk.summary("good", WHOLE, key=["id"]))
    before = desk.rows("good"), desk.ledger("good")
    checks = [{**check, "sql": check["sql"].replace("{raw}", desk.raw)} for check in fields.get("input_checks", ())]
    with reading(lambda: desk.rows("good")) as seen, pytest.raises(error) as caught:
        desk.build(desk.summary("good", sql, **{"key": ["id"]} | fields | {"input_checks": checks}))
    said = str(caught.value)
    assert [
        word for word in [f"{desk.raw}.good", *words, "Readers still see the build of 20"] if word not in said
    ] == []
    assert (desk.rows("good"), desk.ledger("good")) == before
    assert seen == [before[0]]
    kept = desk.left_behind()
    assert len(kept) == (error in (EmptyBuild, DuplicateKey, NullKey) or "output" in bad or "change" in bad)
    assert all(f"kept as {desk.raw}.{name}" in said for name in kept)
    desk.build(desk.summary("good", WHOLE, key=["id"]))
    assert desk.left_behind() == []


def test_a_check_that_warns_stops_nothing(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    check = {"sql": "select max(total) from {table}", "at_most": 5, "severity": "warn"}
    built = desk.build(desk.summary(output_checks=[check]))
    assert [warning for warning in built.warnings if "returned 9" in warning] == list(built.warnings) != []
    assert desk.rows("per_day", "total") == [(9,)]


def test_a_reader_sees_the_old_build_and_then_the_new_one(desk: Desk) -> None:
    desk.run(
        "INSERT INTO {raw}.answers SELECT a.n * 100 + b.n, '2021-02-05', 1 FROM "
        "(SELECT row_number() OVER (ORDER BY oid) AS n FROM pg_class LIMIT 100) a, "
        "(SELECT row_number() OVER (ORDER BY oid) AS n FROM pg_class LIMIT 100) b"
    )
    sql = "select id, score from {raw}.answers"
    desk.build(desk.summary("seen", sql, key=["id"]))
    with reading(lambda: desk.run("SELECT count(*), sum(score) FROM {raw}.seen")) as seen:
        desk.run("UPDATE {raw}.answers SET score = 2")
        desk.build(desk.summary("seen", sql, key=["id"]))
        with pytest.raises(CheckFailed):
            checks = [{"sql": "select sum(score) from {table}", "at_most": 1}]
            desk.build(desk.summary("seen", sql, key=["id"], output_checks=checks))
        desk.run("DELETE FROM {raw}.answers WHERE id < 1000")
        desk.build(desk.summary("seen", sql + " where id > 0", key=["id"]))
    count = desk.run("SELECT count(*) FROM {raw}.answers")[0][0]
    assert seen == [[(10000, 10000)], [(10000, 20000)], [(count, 2 * count)]]


def test_grants_comments_indexes_and_views_survive(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    desk.build(desk.summary("kept", WHOLE, key=["id"]))
    desk.run("COMMENT ON TABLE {raw}.kept IS 'by hand'")
    desk.run("GRANT SELECT ON {raw}.kept TO PUBLIC")
    desk.run("CREATE VIEW {raw}.seen AS SELECT id, score FROM {raw}.kept")
    desk.answer((2, "2021-02-05 10:00", 3))
    more = "select id, score, score * 2 as twice from {raw}.answers"
    desk.build(desk.summary("kept", more, key=["id"]))
    assert desk.rows("seen") == [(1, 9), (2, 3)]
    assert desk.rows("kept", "id, twice") == [(1, 18), (2, 6)]
    comment = "SELECT obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    assert desk.run(comment + "WHERE n.nspname = '{raw}' AND c.relname = 'kept'") == [("by hand",)]
    grants = "SELECT c.relacl::text LIKE '%%=r/%%' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    assert desk.run(grants + "WHERE n.nspname = '{raw}' AND c.relname = 'kept'", ()) == [(True,)]


def test_columns_follow_the_select_unless_a_view_reads_them(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    desk.build(desk.summary("shape", "select id, score, at from {raw}.answers", key=["id"]))
    changed = "select id, cast(score as varchar(10)) as score from {raw}.answers"
    desk.build(desk.summary("shape", changed, key=["id"]))
    assert desk.rows("shape", "id, score") == [(1, "9")]
    assert set(desk.database.types(f"{desk.raw}.shape")) >= {"id", "score"}
    desk.run("CREATE VIEW {raw}.strict AS SELECT score FROM {raw}.shape")
    for sql in ("select id from {raw}.answers", WHOLE):
        with pytest.raises(SchemaMismatch, match=r"strict.*Change or drop"):
            desk.build(desk.summary("shape", sql, key=["id"]))
    assert desk.rows("strict") == [("9",)]


def test_an_incremental_build_tells_of_a_table_that_somebody_changed(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    desk.run("ALTER TABLE {raw}.per_day ADD COLUMN extra int")
    desk.answer((2, "2021-02-06 10:00", 3), load="2021-02-06")
    with pytest.raises(SchemaMismatch, match="full_refresh=true"):
        desk.build(desk.summary())
    assert days(desk.build(desk.summary(), full_refresh=True)) == []
    assert list(desk.database.types(f"{desk.raw}.per_day"))[:3] == ["day", "answers", "total"]


def test_two_builds_at_once(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    outcomes: list[Any] = []

    def build() -> None:
        try:
            outcomes.append(desk.build(desk.summary()).built)
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]
    assert desk.rows("per_day") == [(date(2021, 2, 5), 1, 9)]
    assert desk.ledger("per_day") == [(None, "2021-02-06", 1)]
    assert desk.left_behind() == []


def test_two_first_builds_at_once_of_a_schema_that_is_not_there(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    sql = f"select id from {desk.raw}.answers"
    summary = Summary(name=f"{desk.raw}_new.first", sql=sql, description="x", owner="x", key="id")
    with desk.database.connection() as other:
        other.cursor().execute(f"CREATE SCHEMA {desk.raw}_new")
        with ThreadPoolExecutor(1) as pool:
            built = pool.submit(desk.build, summary)
            assert wait_until(lambda: waiting(desk), 60)
            other.commit()
            assert built.result().rows == 1
    desk.run("DROP SCHEMA {raw}_new CASCADE")


#: A process that builds {raw}.seen; where the ledger is locked, it waits in the middle of the swap.
BUILDS = """
import sys
from daybook.summaries.builder.build import build
from daybook.definitions.summary import Summary
from daybook.summaries.parse.lineage import read
from tests.support.source_and_warehouse import Database, warehouse_of

warehouse = warehouse_of(Database(sys.argv[1], ""))
summary = Summary(
    name=sys.argv[2] + ".seen", sql=f"select id, score from {sys.argv[2]}.answers", description="x", owner="x", key="id"
)
build(summary, read(summary, warehouse.sqlglot_dialect), warehouse, full_refresh=True)
"""


def test_killed_in_the_middle_of_the_swap(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    summary = desk.summary("seen", "select id, score from {raw}.answers", key=["id"])
    desk.build(summary)
    desk.run("UPDATE {raw}.answers SET score = 1")
    with reading(lambda: desk.rows("seen")) as seen:
        with desk.database.connection() as holding:
            holding.cursor().execute(desk.ends.warehouse.lock_sql("daybook.inputs"))
            command = [sys.executable, "-c", BUILDS, desk.database.url, desk.raw]
            process = subprocess.Popen(command, cwd=ROOT)
            assert wait_until(lambda: desk.left_behind() != [] and waiting(desk), 60)
            process.kill()
            process.wait()
            holding.rollback()
        assert wait_until(lambda: not waiting(desk), 60)
        assert desk.rows("seen") == [(1, 9)]
        assert len(desk.left_behind()) == 1
        desk.build(summary)
    assert seen == [[(1, 9)], [(1, 1)]]
    assert desk.left_behind() == []


def waiting(desk: Desk) -> bool:
    """Whether somebody waits for the lock that is held."""
    return bool(desk.run("SELECT 1 FROM pg_locks WHERE NOT granted"))
