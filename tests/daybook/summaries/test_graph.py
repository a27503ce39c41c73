"""The build order, the errors before any build starts, and the columns of the warehouse, on both warehouses."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.errors import TableFileError
from daybook.summaries.graph import Graph, check, order_builds, plan_builds, unbuilt_inputs
from daybook.warehouses.base import Warehouse
from tests.support.source_and_warehouse import Database, warehouse_of

LIVE = {"raw.nps": {"id": "bigint", "score": "smallint"}, "analytics.old": {"id": "bigint"}}


def summary(name: str, sql: str, **fields: Any) -> Summary:
    return Summary(name=f"analytics.{name}", sql=sql, description="x", owner="tests", **{"key": ["id"], **fields})


def reading(name: str, *inputs: str) -> Summary:
    """Return a summary that selects `id` from each of its inputs."""
    joined = " join ".join(f"{one} as t{n}{' using (id)' if n else ''}" for n, one in enumerate(inputs))
    return summary(name, f"select id from {joined}")


def ordered(*summaries: Summary) -> Graph:
    graph = order_builds(summaries, "postgres")
    check(graph.lineages, graph.order, LIVE)
    return graph


def refused(*summaries: Summary) -> str:
    with pytest.raises(TableFileError) as caught:
        ordered(*summaries)
    return str(caught.value)


DIAMOND = (
    reading("end", "analytics.left", "analytics.right"),
    reading("left", "analytics.begin"),
    reading("right", "analytics.begin", "raw.nps"),
    reading("begin", "raw.nps"),
    reading("alone", "analytics.old"),
)


def test_each_summary_comes_after_its_inputs() -> None:
    graph = ordered(*DIAMOND)
    assert sorted(graph.order) == [f"analytics.{name}" for name in ("alone", "begin", "end", "left", "right")]
    for name, inputs in graph.inputs.items():
        assert all(graph.order.index(one) < graph.order.index(name) for one in inputs if one in graph.order)
    assert graph.inputs["analytics.right"] == ("analytics.begin", "raw.nps")
    assert graph == ordered(*reversed(DIAMOND))


@pytest.mark.parametrize(
    ("name", "downstream"),
    [
        ("raw.nps", {"begin", "left", "right", "end"}),
        ("analytics.begin", {"left", "right", "end"}),
        ("analytics.left", {"end"}),
        ("analytics.end", set()),
    ],
)
def test_the_summaries_that_depend_on_a_table(name: str, downstream: set[str]) -> None:
    assert {one.split(".")[1] for one in ordered(*DIAMOND).downstream(name)} == downstream


def test_a_cycle_is_named_with_its_path() -> None:
    message = refused(reading("a", "analytics.c"), reading("b", "analytics.a"), reading("c", "analytics.b", "raw.nps"))
    path = message.split("cycle: ")[1].split(". ")[0].split(" → ")
    assert path[0] == path[-1] and {*path} == {"analytics.a", "analytics.b", "analytics.c"}
    assert all(
        (path[n], path[n + 1])
        in {("analytics.a", "analytics.b"), ("analytics.b", "analytics.c"), ("analytics.c", "analytics.a")}
        for n in range(3)
    )


def test_an_input_that_is_built_earlier_has_the_columns_of_its_select() -> None:
    old = summary("old", "select id, score as points from raw.nps")
    assert ordered(old, summary("new", "select id, points from analytics.old")).order == (
        "analytics.old",
        "analytics.new",
    )
    renamed = summary("old", "select score as id, 1 as one from raw.nps")
    assert "no input has the column points" in refused(renamed, summary("new", "select id, points from analytics.old"))


def test_one_error_lists_every_problem_once() -> None:
    message = refused(
        summary("a", "select id, scoer from raw.nps"),
        summary("b", "select id from raw.npz"),
        summary("c", "select id, scoer from analytics.a"),
        summary("d", "select score from raw.nps"),
        summary("e", "select id from raw.nps", columns={"nps": "integer"}),
    ).splitlines()
    assert [line.split(":")[0] for line in message] == [
        *("analytics/a.sql, line 1", "analytics/b.sql, line 1", "analytics/d.yaml", "analytics/e.yaml"),
    ]
    assert all(word in line for word, line in zip(("'score'?", "'raw.nps'?", "key", "columns"), message, strict=True))


def test_a_summary_whose_input_was_never_built_names_the_command_that_builds_it(tmp_path: Path) -> None:
    for name in ("begin", "end"):
        text = "description: x\nowner: tests\nkey: [id]\n"
        (tmp_path / "analytics").mkdir(exist_ok=True)
        (tmp_path / f"analytics/{name}.yaml").write_text(text, encoding="utf-8")
        (tmp_path / f"analytics/{name}.sql").write_text("select id from raw.nps", encoding="utf-8")
    graph = order_builds([reading("end", "analytics.begin", "raw.nps")], "postgres")
    assert list(unbuilt_inputs(graph.lineages, graph.order, LIVE, tmp_path)) == [
        "analytics.end reads analytics.begin, never built so far\nBuild it first: daybook summary build analytics.begin"
    ]
    built = LIVE | {"analytics.begin": {"id": "bigint"}}
    assert list(unbuilt_inputs(graph.lineages, graph.order, built, tmp_path)) == []


def test_files_that_cannot_be_parsed_are_in_one_error() -> None:
    message = refused(summary("a", "selec id from raw.nps"), summary("b", "delete from raw.nps"))
    assert "analytics/a.sql" in message and "analytics/b.sql" in message


@pytest.mark.parametrize("dialect", ["postgres", "redshift"])
def test_key_and_cursor_are_matched_in_the_spelling_of_the_warehouse(dialect: str) -> None:
    fields = {"key": ["Id"], "interval": "day", "cursor": "Id", "columns": {"Id": "date"}}
    graph = order_builds([summary("a", 'select id as "Id" from raw.nps', **fields)], dialect)
    check(graph.lineages, graph.order, LIVE)


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A schema with a table and a view, on each warehouse."""
    server = request.getfixturevalue(request.param)
    with contextlib.ExitStack() as stack:
        if request.param == "postgres":
            database = Database(stack.enter_context(server.database()), "raw")
            database.run("CREATE SCHEMA raw")
        else:
            database = Database(server.url, stack.enter_context(server.schema()))
        database.run(f"CREATE TABLE {database.namespace}.nps (id bigint, gone int, score smallint, at timestamp)")
        database.run(f"ALTER TABLE {database.namespace}.nps DROP COLUMN gone")
        database.run(f"CREATE VIEW {database.namespace}.good AS SELECT id, score FROM {database.namespace}.nps")
        yield database


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    return warehouse_of(database)


def test_the_columns_of_the_warehouse(database: Database, warehouse: Warehouse) -> None:
    schema = database.namespace
    with warehouse.session() as session:
        found = warehouse.schema_columns(session, [f"{schema}.nps", f"{schema}.missing", "nowhere.at_all"])
    assert found == {
        f"{schema}.nps": {"id": "bigint", "score": "smallint", "at": "timestamp without time zone"},
        f"{schema}.good": {"id": "bigint", "score": "smallint"},
    }


def test_files_are_checked_against_the_warehouse(database: Database, warehouse: Warehouse, tmp_path: Path) -> None:
    folder = tmp_path / "analytics"
    folder.mkdir()
    for name, sql in {
        "first": f"select id, score from {database.namespace}.good",
        "second": "select id, score from analytics.first",
        "wrong": f"select idd from {database.namespace}.nps",
    }.items():
        (folder / f"{name}.sql").write_text(sql)
        (folder / f"{name}.yaml").write_text("description: x\nowner: tests\nkey: id\n")
    assert plan_builds(warehouse, ["analytics.second", "analytics.first"], tmp_path).order == (
        *("analytics.first", "analytics.second"),
    )
    with pytest.raises(TableFileError, match=r"wrong\.sql, line 1: .* did you mean 'id'\?"):
        plan_builds(warehouse, None, tmp_path)
    without = plan_builds(warehouse, None, tmp_path, without=["analytics.wrong", "analytics.first"])
    assert (without.order, dict(without.waiting)) == ((), {"analytics.second": ("analytics.first",)})
    unbuilt = r"analytics\.second reads analytics\.first, .*\n.*daybook summary build analytics\.first"
    with pytest.raises(TableFileError, match=unbuilt):
        plan_builds(warehouse, ["analytics.second"], tmp_path)
    with pytest.raises(TableFileError, match=r"no summary 'analytics\.frist'.*did you mean 'analytics\.first'"):
        plan_builds(warehouse, ["analytics.frist"], tmp_path)
