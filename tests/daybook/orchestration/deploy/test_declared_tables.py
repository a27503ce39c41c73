"""The deployments that table files declare, without a server."""

from pathlib import Path

import pytest

from daybook.definitions.project_file import ProjectFile, read_project
from daybook.definitions.targets.project_target import Target, current_target
from daybook.errors import TableFileError
from daybook.orchestration.deploy.declared_tables import _in_a_name
from daybook.orchestration.deploy.deploy_plan import declared
from daybook.orchestration.deploy.document import Settings, document_of
from daybook.orchestration.deploy.wanted import Wanted, WantedSchedule

TABLE = """
description: One row per thing.
owner: data
load: replace_interval
key: id
cursor: created_at
interval: day
source: {{kind: database, block: production, table: {name}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project, in which Daybook works."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    (tmp_path / "daybook.yaml").write_text("name: shop\n")
    (tmp_path / "tables/shop").mkdir(parents=True)
    return tmp_path


def add(project: Path, name: str, more: str = "", schema: str = "shop") -> None:
    (project / "tables" / schema).mkdir(exist_ok=True)
    (project / "tables" / schema / f"{name}.yaml").write_text(TABLE.format(name=name) + more)


def by_name(project: Path) -> dict[str, Wanted]:
    return {one.full_name: one for one in declared(read_project(project), current_target(project))}


def test_a_table_without_a_schedule_is_loaded_on_demand(project: Path) -> None:
    add(project, "orders", "tags: pii\nretries: 3\nretry_delay: 1m\nconcurrency: 2\n")
    one = by_name(project)["load/shop.orders"]
    assert (one.parameters, one.starts, one.limit) == ({"tables": ["shop.orders"]}, "on demand", 2)
    assert one.tags == ("shop.orders", "pii")
    assert one.env == {"PREFECT_FLOWS_DEFAULT_RETRIES": "3", "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "60"}


def test_tables_of_one_source_and_schedule_share_a_run(project: Path) -> None:
    for name in ("a", "b"):
        add(project, name, 'schedule: "0 6 * * *"\n')
    add(project, "c", 'schedule: "0 6 * * *"\nrun: own\n')
    add(project, "d", 'schedule: "0 6 * * *"\ntimezone: Europe/Berlin\n')
    add(project, "e", 'schedule: {cron: "0 6 * * *", paused: true}\n')
    found = by_name(project)
    shared = found["load/production-0600"]
    assert shared.parameters == {"tables": ["shop.a", "shop.b"], "at_once": 4}
    assert shared.starts == "0 6 * * * UTC"
    assert found["load/production-0600-europe-berlin"].parameters["tables"] == ["shop.d"]
    starts = {name[-1]: found[f"load/shop.{name}"].starts for name in "abcde"}
    assert starts == {
        "a": "on demand",
        "b": "on demand",
        "c": "0 6 * * * UTC",
        "d": "on demand",
        "e": "0 6 * * * UTC, paused",
    }


def test_a_table_can_wait_for_others(project: Path) -> None:
    add(project, "a")
    add(project, "b", "schedule: {after: shop.a}\n")
    assert by_name(project)["load/shop.b"].after == ("shop.a",)
    add(project, "b", "schedule: {after: shop.aa}\n")
    with pytest.raises(TableFileError, match=r"shop.b: schedule.after: unknown table 'shop.aa'; did you mean 'shop.a'"):
        declared(read_project(project), current_target(project))


def test_audits_are_spread_over_sunday_and_cover_ninety_days(project: Path) -> None:
    for name in ("a", "b"):
        add(project, name, "audit: weekly\n")
    found = by_name(project)
    audits = [found[f"reconcile/shop.{name}"] for name in "ab"]
    assert [one.parameters for one in audits] == [{"table": "shop.a", "last": 90}, {"table": "shop.b", "last": 90}]
    crons = [one.schedule.cron for one in audits if one.schedule and one.schedule.cron]
    assert len(set(crons)) == 2
    assert all(cron.endswith(" * * 0") and 1 <= int(cron.split()[1]) < 7 for cron in crons)


def test_an_invalid_file_stops_the_deploy_since_its_deployment_would_go(project: Path) -> None:
    add(project, "a")
    add(project, "b", "shedule: 1h\n")
    with pytest.raises(TableFileError, match="unknown field; did you mean 'schedule'"):
        declared(read_project(project), current_target(project))


def test_a_project_has_its_own_deployments_once_and_may_switch_them_off(project: Path) -> None:
    usual = {
        "load-table/on-demand",
        "backfill/on-demand",
        "reconcile/on-demand",
        "catch-up/daily",
        "key-metrics/weekly",
        "monitor/quarter-hourly",
        "monitor/on-event",
    }
    assert set(by_name(project)) == usual, "without summaries, none is built"
    (project / "daybook.yaml").write_text(
        "deployments: {catch_up: off, key_metrics: false, monitor: 0 * * * *, timezone: Europe/Berlin}\n"
    )
    found = by_name(project)
    assert set(found) == usual - {"catch-up/daily", "key-metrics/weekly"}
    assert found["monitor/quarter-hourly"].starts == "0 * * * * Europe/Berlin"


def test_summaries_hear_every_table_that_they_read_and_not_each_other(project: Path) -> None:
    add(project, "orders")
    add(project, "visits", schema="web")
    folder = project / "tables/analytics"
    folder.mkdir()
    for name, sql in {
        "by_day": "SELECT id, o.day FROM shop.orders o JOIN web.visits v USING (id)",
        "by_week": "WITH w AS (SELECT * FROM analytics.by_day) SELECT id, day FROM w JOIN erp.costs USING (id)",
    }.items():
        (folder / f"{name}.sql").write_text(sql)
        (folder / f"{name}.yaml").write_text("description: One row per day.\nowner: data\nkey: id\n")
    one = by_name(project)["summaries/when-inputs-land"]
    assert (one.after, one.after_any) == (("erp.costs", "shop.orders", "web.visits"), True)


def test_a_summary_with_a_schedule_is_left_to_it(project: Path) -> None:
    (project / "daybook.yaml").write_text('name: shop\ndefaults: {schedule: "0 6 * * *"}\n')
    add(project, "orders")
    folder = project / "tables/analytics"
    folder.mkdir()
    summaries = {
        "daily": ("SELECT id FROM shop.orders", ""),
        "weekly": ("SELECT id FROM shop.orders", 'schedule: "0 7 * * 1"\ntimezone: Europe/Berlin\n'),
        "late": ("SELECT id FROM analytics.daily", "schedule: {after: [shop.orders, analytics.weekly]}\n"),
        "top": ("SELECT id FROM analytics.weekly", ""),
    }
    for name, (sql, more) in summaries.items():
        (folder / f"{name}.sql").write_text(sql)
        (folder / f"{name}.yaml").write_text("description: One row per day.\nowner: data\nkey: id\n" + more)
    found = by_name(project)
    weekly, late = found["summaries/analytics.weekly"], found["summaries/analytics.late"]
    assert (weekly.starts, weekly.parameters) == ("0 7 * * 1 Europe/Berlin", {"tables": ["analytics.weekly"]})
    assert late.starts == "after shop.orders, analytics.weekly"
    left_out = {"without": ["analytics.late", "analytics.weekly"]}
    assert found["summaries/daily"].parameters == left_out
    landed = found["summaries/when-inputs-land"]
    assert (landed.parameters, landed.after) == (left_out, ("analytics.weekly", "shop.orders"))
    assert "summaries/analytics.daily" not in found, "a default for tables is not for summaries"
    (folder / "late.yaml").write_text(
        "description: One row per day.\nowner: data\nkey: id\nschedule: {after: analytics.weakly}\n"
    )
    with pytest.raises(TableFileError, match=r"analytics.late: schedule.after: .*did you mean 'analytics.weekly'"):
        declared(read_project(project), current_target(project))


def test_the_tables_of_a_group_file_are_deployed_like_any_other_and_go_with_it(project: Path) -> None:
    group, listed = project / "tables/erp.yaml", project / "tables/erp.tables.yaml"
    group.write_text(
        "source: {kind: database, block: erp, tables: 'erp.*'}\nschema: raw_erp\n"
        'defaults: {owner: data, schedule: "0 5 * * *", load: replace}\n'
        "tables:\n  costs: {run: own, audit: weekly}\n"
    )
    one = "  {name}: {{table: erp.{name}, description: One row per thing.}}\n"
    listed.write_text("tables:\n" + "".join(one.format(name=name) for name in ("a", "b", "costs")))
    found = by_name(project)
    assert found["load/erp-0500"].parameters["tables"] == ["raw_erp.a", "raw_erp.b"]
    assert found["load/raw_erp.costs"].starts == "0 5 * * * UTC"
    assert {"load/raw_erp.a", "load/raw_erp.b", "reconcile/raw_erp.costs"} <= set(found)
    listed.write_text("tables:\n" + one.format(name="b"))
    group.write_text(group.read_text().partition("tables:\n")[0])
    found = by_name(project)
    assert found["load/erp-0500"].parameters["tables"] == ["raw_erp.b"]
    assert {"load/raw_erp.a", "load/raw_erp.costs", "reconcile/raw_erp.costs"}.isdisjoint(found)
    listed.unlink()
    with pytest.raises(TableFileError, match=r"erp\.tables\.yaml is missing"):
        by_name(project)


@pytest.mark.parametrize(
    ("cron", "name"),
    [
        ("0 6 * * *", "0600"),
        ("30 18 * * *", "1830"),
        ("0 4 * * 0", "sun-0400"),
        ("0 * * * *", "hourly"),
        ("15 * * * *", "hourly-15"),
        ("*/10 * * * *", "every-10m"),
        ("0 6,18 * * 1-5", "cron-0_6+18_x_x_1-5"),
    ],
)
def test_a_shared_run_is_named_by_its_schedule(cron: str, name: str) -> None:
    assert _in_a_name(WantedSchedule("UTC", cron)) == name


def test_a_target_without_schedules_has_the_same_deployments_under_other_names(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "daybook.yaml").write_text("name: shop\ntargets: {dev: {}}\n")
    add(project, "a", 'schedule: "0 6 * * *"\n')
    add(project, "b", "schedule: {after: shop.a}\n")
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    found = by_name(project)
    assert {"load/dev_shop.a", "load/dev_shop.b", "load-table/on-demand-dev", "catch-up/daily-dev"} <= set(found)
    assert {one.starts for one in found.values()} == {"on demand"}
    dev, prod = (Settings.of(read_project(project), str(project), target) for target in (current_target(), Target()))
    tags = document_of(found["load/dev_shop.a"], dev, {})["tags"]
    assert tags == ["daybook", "daybook-project:shop@dev", "daybook-target:dev", "dev_shop.a"]
    tags.remove("daybook-target:dev")
    assert not prod.owns(tags), "prod never removes it, whatever a person did to its tags"


def test_the_section_is_checked() -> None:
    with pytest.raises(ValueError, match="not a cron text"):
        ProjectFile.model_validate({"deployments": {"catch_up": "noon"}})
