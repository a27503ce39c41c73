"""`daybook deploy` on a real Prefect server: it makes, updates and removes what the project declared, and no more."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import Automation

from daybook.cli.project.deploy import main
from daybook.cli.project.diff import main as diff
from daybook.errors import DaybookError
from daybook.orchestration.deploy.errors import DeployRefused
from tests.support.declared_blocks import delete_blocks

# Imported before pytest adds its handlers to the loggers, which this module copies.
importlib.import_module("daybook.orchestration.command_line")

TABLE = """
description: One row per thing.
owner: data
load: replace_interval
key: id
cursor: created_at
interval: day
source: {kind: database, block: production, table: x}
"""
QUIET = "{catch_up: off, key_metrics: off, monitor: off, summaries: off}"


@pytest.fixture
def client(prefect_server: str) -> Iterator[SyncPrefectClient]:
    """Yield a client. Afterwards, the server has no deployment or automation of these tests."""
    with get_client(sync_client=True) as client:
        before = {one.id for one in [*client.read_deployments(limit=200), *client.read_automations(limit=200)]}
        yield client
        for automation in client.read_automations(limit=200):
            if automation.id not in before:
                client.delete_automation(automation.id)
        for one in client.read_deployments(limit=200):
            if one.id not in before:
                client.delete_deployment(one.id)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with three tables."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    (tmp_path / "daybook.yaml").write_text(f"name: deploy-test\nwork_pool: deploy-test\ndeployments: {QUIET}\n")
    for name, more in {"a": '"0 6 * * *"', "b": '"0 6 * * *"', "c": "{after: [dt.a, dt.b]}"}.items():
        write(tmp_path, name, f"schedule: {more}\n")
    return tmp_path


def write(project: Path, name: str, more: str) -> None:
    (project / "tables/dt").mkdir(parents=True, exist_ok=True)
    (project / f"tables/dt/{name}.yaml").write_text(TABLE + more)


def plan(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    capsys.readouterr()
    assert main(["--dry-run", "--json"]) == 0
    found: dict[str, list[str]] = json.loads(capsys.readouterr().out)
    return found


def deployment(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    return client.read_deployment_by_name(name)


def test_a_deploy_makes_updates_and_removes_what_the_project_declared(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.create_deployment(client.create_flow_from_name("load"), "by-hand", tags=["daybook"])
    assert main([]) == 0, capsys.readouterr().err
    shared, own = deployment(client, "load/production-0600"), deployment(client, "load/dt.a")
    assert shared.parameters == {"tables": ["dt.a", "dt.b"], "at_once": 4}
    assert {"daybook", "daybook-project:deploy-test", "dt.a", "dt.b"} == set(shared.tags)
    assert [(one.schedule.cron, one.active) for one in shared.schedules] == [("0 6 * * *", True)]
    assert shared.entrypoint == "daybook.flows.load.load"
    assert shared.global_concurrency_limit and shared.global_concurrency_limit.limit == 1
    assert not own.schedules
    assert client.read_work_pool("deploy-test").type == "process"

    client.update_deployment_schedule(shared.id, shared.schedules[0].id, active=False)
    assert main([]) == 0
    assert "Nothing to do" in capsys.readouterr().out

    # A changed table moves the shared schedule; the pause of a person stays. A removed file is a removed deployment.
    write(project, "a", 'schedule: "0 6 * * *"\nretries: 2\n')
    (project / "tables/dt/c.yaml").unlink()
    found = plan(capsys)
    assert found["create"] == ["load/production-0600-retries-2"]
    assert found["remove"] == ["load/dt.c"]
    assert [one["name"] for one in found["update"]] == ["load/dt.a", "load/production-0600"]  # type: ignore[index]
    assert main([]) == 1, "stdin is no terminal: nothing is removed without --yes"
    assert "add --yes" in capsys.readouterr().err
    assert main(["--yes"]) == 0
    after = deployment(client, "load/production-0600")
    assert (after.id, after.parameters["tables"]) == (shared.id, ["dt.b"])
    assert [(one.id, one.active) for one in after.schedules] == [(shared.schedules[0].id, False)]
    names = {one.name for one in client.read_deployments(limit=200)}
    assert "dt.c" not in names
    assert "by-hand" in names, "it lacks the project's tag"
    assert not [one for one in client.read_automations(limit=200) if "load/dt.c" in one.name]

    # A deploy in a folder without tables would remove all of them.
    (project / "tables").rename(project / "elsewhere")
    with pytest.raises(DaybookError, match=r"has no file of a table or summary, and this deploy would remove .* other"):
        main(["--yes"])
    (project / "elsewhere").rename(project / "tables")

    # Another project may not take them over; a deployment by hand of the same name is left alone.
    (project / "daybook.yaml").write_text(f"name: other\nwork_pool: deploy-test\ndeployments: {QUIET}\n")
    with pytest.raises(DaybookError, match=r"deployments of another project on this server: .*deploy-test"):
        main(["--yes"])


def test_an_entry_of_prefect_yaml_would_be_a_second_schedule(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "d", 'run: own\nschedule: "0 6 * * *"\n')
    assert main([]) == 0
    assert "prefect.yaml" not in capsys.readouterr().err
    (project / "prefect.yaml").write_text(
        "deployments:\n- name: dt.d\n  entrypoint: daybook.flows.load:load\n  parameters: {tables: [dt.d]}\n"
        "  work_pool: {name: deploy-test}\n  schedules: [{slug: daily, cron: 0 12 * * *, timezone: UTC}]\n"
    )
    assert main([]) == 0
    assert "! prefect.yaml has load/dt.d, which `daybook deploy` makes, too." in capsys.readouterr().err
    done = subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], cwd=project, check=False)
    assert done.returncode == 0
    assert sorted(one.slug or "" for one in deployment(client, "load/dt.d").schedules) == ["daily", "schedule"]


def test_a_pause_in_the_file_takes_effect_both_ways(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def active() -> list[bool]:
        assert main(["--yes"]) == 0, capsys.readouterr().err
        return [one.active for one in deployment(client, "load/dt.p").schedules]

    write(project, "p", "run: own\nschedule: {every: 6h, paused: true}\n")
    assert active() == [False]
    write(project, "p", "run: own\nschedule: {every: 6h}\n")
    assert active() == [True]
    write(project, "p", "run: own\n")
    assert active() == []
    assert plan(capsys)["update"] == []


def test_a_pause_stays_where_the_tables_of_a_shared_run_move_to(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def deployed(**tables: str) -> dict[str, list[bool]]:
        for name, more in tables.items():
            write(project, name, more)
        capsys.readouterr()
        assert main(["--yes"]) == 0, capsys.readouterr().err
        found = [*client.read_deployments(limit=200)]
        return {one.name: [x.active for x in one.schedules] for one in found if one.schedules and "dt.a" in one.tags}

    assert deployed() == {"production-0600": [True]}
    shared = deployment(client, "load/production-0600")
    client.update_deployment_schedule(shared.id, shared.schedules[0].id, active=False)
    # Both tables move, and a new one joins them.
    seven = 'schedule: "0 7 * * *"\n'
    assert deployed(a=seven, b=seven, d=seven) == {"production-0700": [False]}
    assert "create  load/production-0700  0 7 * * * UTC, paused as before" in capsys.readouterr().out
    # One leaves for a schedule of its own, and then for another shared run.
    assert deployed(a=f"run: own\n{seven}") == {"dt.a": [False]}
    assert deployed(a='schedule: "0 8 * * *"\n') == {"production-0800": [False]}
    assert "Nothing to do" in (main([]) == 0 and capsys.readouterr().out)
    # A run that is active stays so, whoever joins it.
    eight = deployment(client, "load/production-0800")
    client.update_deployment_schedule(eight.id, eight.schedules[0].id, active=True)
    assert deployed(b='schedule: "0 8 * * *"\n', d='schedule: "0 8 * * *"\n') == {"production-0800": [True]}


def test_two_folders_with_one_name_do_not_remove_each_others_deployments(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = project / "other"
    write(other, "a", 'schedule: "0 6 * * *"\n')
    (other / "daybook.yaml").write_text((project / "daybook.yaml").read_text())
    assert main([]) == 0, capsys.readouterr().err
    made = {one.id: one.pull_steps for one in client.read_deployments(limit=200)}
    monkeypatch.setenv("DAYBOOK_PROJECT", str(other))
    command = f"daybook deploy --moved-from {project}"
    says = rf"'deploy-test' was deployed from {project}, too.*load/dt.b, load/dt.c.*run: {command}$"
    for arguments in (["--yes"], ["--dry-run"], ["--moved-from", "/elsewhere"]):
        with pytest.raises(DeployRefused, match=says):
            main(arguments)
    assert {one.id: one.pull_steps for one in client.read_deployments(limit=200)} == made, "nothing was changed"

    # With the same tables, nothing is lost, but runs would use other files.
    for name in ("b", "c"):
        (other / f"tables/dt/{name}.yaml").write_text((project / f"tables/dt/{name}.yaml").read_text())
    capsys.readouterr()
    assert main([]) == 1, "stdin is no terminal"
    assert f"more: deployed from {project}. From now on, their runs use the files of {other}" in capsys.readouterr().err
    assert main(["--yes"]) == 0
    assert "Nothing to do" in (main([]) == 0 and capsys.readouterr().out)

    # A project that has moved: the person names the place.
    monkeypatch.setenv("DAYBOOK_PROJECT", str(project))
    (project / "tables/dt/c.yaml").unlink()
    assert main(["--yes", "--moved-from", str(other)]) == 0, capsys.readouterr().err
    assert "dt.c" not in {one.name for one in client.read_deployments(limit=200)}


def test_what_a_person_changed_is_changed_back_and_a_renamed_project_keeps_its_deployments(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0, capsys.readouterr().err
    changed, untagged = deployment(client, "load/production-0600"), deployment(client, "load/dt.b")
    tags = [*changed.tags, "mine"]
    client.update_deployment(changed.id, DeploymentUpdate(tags=tags, parameters={"tables": ["dt.b"]}))
    client.update_deployment_schedule(changed.id, changed.schedules[0].id, active=False)
    client.update_deployment(untagged.id, DeploymentUpdate(tags=["dt.b"]))
    (trigger,) = owned_by(client, "deploy-test")
    client.pause_automation(trigger.id)

    found = plan(capsys)
    assert found["update"] == [{"name": "load/production-0600", "changes": ["tags", "parameters"]}]
    assert "load/dt.b" in found["left_alone"]
    assert (found["create"], found["remove"]) == ([], [])
    (project / "daybook.yaml").write_text(f"name: renamed\nwork_pool: deploy-test\ndeployments: {QUIET}\n")
    with pytest.raises(DaybookError, match=r"run `daybook deploy --renamed-from NAME`"):
        main([])
    assert main(["--renamed-from", "deploy-test"]) == 0, capsys.readouterr().err
    after = deployment(client, "load/production-0600")
    assert (after.id, after.parameters["tables"]) == (changed.id, ["dt.a", "dt.b"])
    assert set(after.tags) == {"daybook", "daybook-project:renamed", "dt.a", "dt.b"}
    assert [(one.id, one.active) for one in after.schedules] == [(changed.schedules[0].id, False)]
    assert [one.enabled for one in owned_by(client, "renamed")] == [False], "a person switched it off"
    assert not owned_by(client, "deploy-test")
    assert plan(capsys)["update"] == []


def owned_by(client: SyncPrefectClient, project: str) -> list[Automation]:
    return [one for one in client.read_automations(limit=200) if f"daybook-project:{project}" in one.tags]


def test_a_diff_shows_what_the_next_deploy_does(
    client: SyncPrefectClient, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delete_blocks(client)
    assert main([]) == 0, capsys.readouterr().err
    write(project, "a", 'schedule: "0 7 * * *"\n')
    (project / "tables/dt/c.yaml").unlink()
    capsys.readouterr()
    assert diff(["--json"]) == 1, "the server has no block of a warehouse"
    report = json.loads(capsys.readouterr().out)
    found = [*report["deployments"], *(one for table in report["datasets"] for one in table["deployments"])]
    changes = {one["name"]: (one["action"], one["details"]) for one in found}
    assert changes["load/production-0700"] == ("create", ["0 7 * * * UTC"])
    assert "tables: − dt.a" in changes["load/production-0600"][1]
    assert changes["load/dt.c"][0] == "remove"
    assert set(changes) == {"load/production-0700", "load/production-0600", "load/dt.c"}
    assert {"warehouse", "source production"} <= {one["where"] for one in report["problems"]}
