"""Targets of daybook.yaml, and how a table of another target differs from its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.definitions.registry import dataset_of, datasets, has_file, read_dataset
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.targets.project_target import Target, current_target
from daybook.errors import TableFileError
from daybook.summaries.graph import order_builds
from daybook.summaries.parse.lineage import read

TARGETS = """
name: shop
targets:
  dev: {}
  mine: {schema_prefix: "dbt_{user}_", block_suffix: "", blocks: {warehouse: sandbox}}
  own: {schema_prefix: "", checks: warn}
  after: {schema_prefix: "", schema_suffix: _after, schedules: true, stage_prefix: /a/b/}
"""
ORDERS = """
description: One row per order.
owner: shop
load: replace
key: id
source: {kind: database, table: shop.orders}
checks:
  - sql: select count(*) from {table} where customer not in (select id from raw_data.customers)
    equals: 0
  - {relationship: {column: customer, to: raw_data.customers.id}}
  - {row_count: {at_least: 1}, table: reference.countries}
"""
DAILY_SQL = """-- reads raw_data.orders
select o.day, 'raw_data.orders' as text, "raw_data" . "customers".name, c.code
from Raw_Data.orders o
join "raw_data"."customers" on customers.id = o.customer
join reference.countries c on raw_data.id = c.id
"""
DAILY = """
description: One row per day.
owner: shop
key: day
input_checks: [{unique: id, table: raw_data.orders}]
output_checks: [{row_count: {at_least: 1}}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in {
        "daybook.yaml": TARGETS,
        "tables/raw_data/orders.yaml": ORDERS,
        "tables/raw_data/customers.yaml": ORDERS.partition("checks:")[0],
        "tables/analytics/daily.sql": DAILY_SQL,
        "tables/analytics/daily.yaml": DAILY,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_USER", "Ann.Lee")
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)
    yield tmp_path


def test_without_a_target_a_table_is_that_of_its_file(project: Path) -> None:
    assert current_target() == Target()
    assert table_names() == ["raw_data.customers", "raw_data.orders"]
    assert read_summary("analytics.daily").sql == DAILY_SQL
    assert (Target().block("warehouse"), Target().schedules, Target().tags, Target().stage_prefix) == (
        "warehouse",
        True,
        (),
        "",
    )


def test_a_table_has_the_schema_of_the_target_everywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    assert table_names() == ["dev_raw_data.customers", "dev_raw_data.orders"]
    assert summary_names() == ["dev_analytics.daily"]
    for typed in ("raw_data.orders", "dev_raw_data.orders"):  # people type either name
        table = read_table(typed)
        assert (table.name, table.schema_name) == ("dev_raw_data.orders", "dev_raw_data")
        assert has_file(typed)
        assert read_dataset(typed) == dataset_of(typed) == table
    assert [found.name for found in datasets()[0]] == [
        "dev_analytics.daily",
        "dev_raw_data.customers",
        "dev_raw_data.orders",
    ]


def test_checks_read_the_tables_of_the_target(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    counted, related, foreign = read_table("raw_data.orders").checks
    assert (
        counted.sql is not None and "from {table} where" in counted.sql and "from dev_raw_data.customers" in counted.sql
    )
    assert related.relationship is not None and related.relationship.to == "dev_raw_data.customers.id"
    assert foreign.table == "reference.countries"  # no file of the project defines it
    assert read_summary("analytics.daily").input_checks[0].table == "dev_raw_data.orders"


def test_a_summary_reads_the_tables_of_the_target(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    summary = read_summary("analytics.daily")
    assert summary.sql == (
        "-- reads raw_data.orders\n"
        'select o.day, \'raw_data.orders\' as text, "dev_raw_data" . "customers".name, c.code\n'
        "from dev_raw_data.orders o\n"
        'join "dev_raw_data"."customers" on customers.id = o.customer\n'
        "join reference.countries c on raw_data.id = c.id\n"
    )
    graph = order_builds([summary], "postgres")
    assert graph.inputs == {
        "dev_analytics.daily": ("dev_raw_data.customers", "dev_raw_data.orders", "reference.countries")
    }


def test_an_error_of_a_target_names_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    (project / "tables/analytics/daily.sql").write_text("select 1\nfrom nowhere")
    with pytest.raises(TableFileError, match=r"^analytics/daily\.sql, line 2: nowhere has no schema"):
        read(read_summary("dev_analytics.daily"), "postgres")


def test_every_field_of_a_target(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "mine")
    mine = current_target()
    assert (mine.block("warehouse"), mine.block("production")) == ("sandbox", "production")
    assert read_table("raw_data.orders").name == "dbt_ann_lee_raw_data.orders"
    assert mine.environment() == {"DAYBOOK_TARGET": "mine", "DAYBOOK_USER": "ann_lee"}
    assert (mine.schedules, mine.tags, mine.stage_prefix) == (False, ("daybook-target:mine",), "mine")
    assert mine.deployment_name("dbt_ann_lee_raw_data.orders") == "dbt_ann_lee_raw_data.orders"
    assert mine.deployment_name("daily") == "daily-mine"
    monkeypatch.setenv("DAYBOOK_TARGET", "after")
    after = current_target()
    assert (after.schedules, after.stage_prefix, after.block("aws")) == (True, "a/b", "aws-after")
    assert (after.table("a.b"), after.file_name("a_after.b"), after.file_name("a.b")) == ("a_after.b", "a.b", "a.b")
    assert after.environment() == {"DAYBOOK_TARGET": "after"}


def test_a_target_may_keep_the_schemas_and_soften_checks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "own")
    table = read_table("raw_data.orders")
    assert table.name == "raw_data.orders"
    assert {check.severity for check in table.checks} == {"warn"}
    assert current_target().deployment_name("raw_data.orders") == "raw_data.orders-own"


def test_the_default_target_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "daybook.yaml").write_text("target: dev\n" + TARGETS)
    assert current_target().name == "dev"
    monkeypatch.setenv("DAYBOOK_TARGET", "prod")
    assert current_target() == Target()


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("dve", "daybook.yaml has no target 'dve'; did you mean 'dev'"),
        ("qa", "its targets are after, dev, mine, own, prod"),
    ],
)
def test_an_unknown_target(project: Path, monkeypatch: pytest.MonkeyPatch, target: str, problem: str) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", target)
    with pytest.raises(TableFileError, match=problem):
        table_names()


def test_a_target_whose_schema_is_anothers_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    (project / "tables/dev_raw_data").mkdir()
    (project / "tables/dev_raw_data/orders.yaml").write_text(ORDERS)
    with pytest.raises(TableFileError, match=r"tables/raw_data goes to the schema dev_raw_data, but"):
        read_table("raw_data.orders")
    with pytest.raises(TableFileError, match=r"tables/raw_data goes to the schema dev_raw_data, but"):
        table_names()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("targets: {Dev: {}}", "'Dev' is not the name of a target"),
        ("targets: {dev: {schema_prefix: 'Dev-'}}", "expected lower-case letters, digits, _ and {user}"),
        ("targets: {dev: {schema: dev}}", "unknown field; did you mean"),
        ("targets: {dev: {last: a week}}", "such as 7 days"),
    ],
)
def test_an_invalid_target_is_refused(project: Path, text: str, problem: str) -> None:
    (project / "daybook.yaml").write_text(text)
    with pytest.raises(TableFileError, match=problem):
        current_target()


def test_a_target_owns_the_deployments_with_its_tag() -> None:
    dev = Target("dev")
    assert Target().owns(["daybook"]) and Target().owns(["daybook-target:prod"])
    assert not Target().owns(["daybook", "daybook-target:dev"])
    assert dev.owns(["daybook-target:dev", "x"]) and not dev.owns(["daybook"])
    assert not dev.owns(["daybook-target:qa"])
