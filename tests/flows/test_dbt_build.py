"""The flow dbt-build: tests/support/dbt_project is really built, on a real Prefect server and a real PostgreSQL.

dbt has an environment of its own and takes seconds to start: one process there makes all the runs that are looked at.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from ruamel.yaml import YAML

from daybook.errors import DbtUnusable
from flows.dbt_build import dbt_build
from flows.nps import nps
from tests.support.declared_blocks import make_blocks
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.servers.postgres import PASSWORD

pytestmark = pytest.mark.usefixtures("without_heartbeat")

DAY = date(2021, 2, 5)
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-dbt" / "bin" / "python"
#: Makes a run of each of the parameters that it is given, and prints their ids.
RUNS = """
import json, sys
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from flows.dbt_build import dbt_build

with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):  # each run would wait a second for its thread
    for given in json.loads(sys.argv[1]):
        state = dbt_build.with_options(retries=0)(**given, return_state=True)
        print("RUN", state.state_details.flow_run_id)
"""


@dataclass(frozen=True)
class Runs:
    """Runs of one model, of everything, of a day that is not loaded, and of a bad `select`; what was said of them."""

    project: Path
    good: str
    bad: str
    late: str
    typo: str
    stateless: str
    said: str


def require_dbt() -> None:
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing. Install it: sh deployments/local/install.sh dbt", False)


@pytest.fixture(scope="module")
def runs(
    production_server: Production,
    on_postgres: LiveWarehouse,
    prefect_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    require_dbt()
    on_postgres.empty()
    production_server.run("TRUNCATE prod.nps")
    production_server.fill(DAY, 22)
    make_blocks({"DAYBOOK_PRODUCTION_URL": production_server.url} | on_postgres.variables)
    nps.with_options(retries=0)(DAY)
    project = tmp_path_factory.mktemp("dbt") / "answers"
    shutil.copytree(ROOT / "tests" / "support" / "dbt_project", project)
    given: dict[str, Any] = {"project_dir": str(project), "execution_date": str(DAY), "target_schema": "marts"}
    two = ["raw_data.nps", "raw_data.stock_info"]
    late = given | {"execution_date": "2021-02-06", "tables": two, "timeout_seconds": 0}
    given_to = [given | {"select": "nps_by_day"}, given, late]
    given_to += [given | {"select": select} for select in ("nps_by_dya", "state:modified")]
    done = subprocess.run(
        [str(PYTHON), "-c", RUNS, json.dumps(given_to)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    ids = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert len(ids) == len(given_to), done.stderr
    yield Runs(project, *ids, said=done.stdout + done.stderr)
    on_postgres.run("DROP SCHEMA marts CASCADE")


def tasks(client: SyncPrefectClient, run: str) -> dict[str, str]:
    """How each task of a run ended; those that waited without what makes their names unique."""
    found = client.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run])))
    names = ["wait-for" if task.name.startswith("wait-for") else task.name for task in found]
    return {name: task.state.type.value for name, task in zip(names, found, strict=True) if task.state}


def page(client: SyncPrefectClient, run: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """What the artifact of a run says above its table, and the lines of that."""
    of_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[run]), key=ArtifactFilterKey(any_=["dbt-answers"])
    )
    (found,) = client.read_artifacts(artifact_filter=of_run)
    lines = json.loads(str(found.data))
    return str(found.description), {line.pop("node"): line for line in lines}


def state(client: SyncPrefectClient, run: str) -> tuple[str, str, str]:
    """A run's name, how it ended, and in which words."""
    found = client.read_flow_run(run)
    assert found.state is not None
    return found.name, found.state.type.value, str(found.state.message)


def test_a_selected_model_is_built_and_tested_once_its_table_has_the_day(
    client: SyncPrefectClient, on_postgres: LiveWarehouse, runs: Runs
) -> None:
    assert state(client, runs.good)[:2] == ("answers 2021-02-05", "COMPLETED")
    assert on_postgres.run("SELECT day, answers, promoters FROM marts.nps_by_day") == [(DAY, 22, 4)]
    nodes = ["model nps_by_day", "test not_null_nps_by_day_day", "test unique_nps_by_day_day"]
    assert tasks(client, runs.good) == dict.fromkeys(["wait-for", *nodes], "COMPLETED")


def test_the_page_of_a_run_has_each_model_and_test(client: SyncPrefectClient, runs: Runs) -> None:
    headline, lines = page(client, runs.bad)

    assert headline.startswith("**answers**: 4 of 7 succeeded, 2 failed, 1 skipped, by [answers 2021-02-05](http")
    assert f"/runs/flow-run/{runs.bad})" in headline
    assert {node: (line["status"], line["rows"]) for node, line in lines.items()} == {
        "model nps_by_day": ("success", 1),
        "model targets": ("error", None),
        "test not_null_nps_by_day_day": ("pass", 0),
        "test unique_nps_by_day_day": ("pass", 0),
        "model nps_by_month": ("success", 1),
        "test no_month_below_zero": ("fail", 1),
        "model months_above_target": ("skipped", None),
    }
    assert 'relation "raw_data.nps_targets" does not exist' in lines["model targets"]["message"]
    assert all(line["seconds"] >= 0 for line in lines.values())


def test_a_run_with_what_failed_fails_in_its_words_and_builds_the_rest(
    client: SyncPrefectClient, on_postgres: LiveWarehouse, runs: Runs
) -> None:
    _, ended, words = state(client, runs.bad)

    assert ended == "FAILED"
    assert "DbtFailed: dbt project answers: 2 of 7 failed\n- " in words
    assert '- model targets: Database Error in model targets (models/targets.sql)\n  relation "raw_data.nps_t' in words
    assert "- test no_month_below_zero: Got 1 result, configured to fail if != 0" in words
    assert "- skipped because of these failures: model months_above_target" in words
    assert on_postgres.run("SELECT month, nps FROM marts.nps_by_month") == [(date(2021, 2, 1), Decimal("-45.45"))]
    ends = tasks(client, runs.bad)
    assert {name for name, end in ends.items() if end == "FAILED"} == {"model targets", "test no_month_below_zero"}
    assert "Traceback" not in runs.said


def test_where_the_day_does_not_come_each_late_table_is_named(client: SyncPrefectClient, runs: Runs) -> None:
    name, ended, words = state(client, runs.late)

    assert (name, ended) == ("answers 2021-02-06", "FAILED")
    assert "NotLoadedInTime: raw_data.nps 2021-02-06 was not loaded within 0:00:00" in words
    assert "\nraw_data.stock_info 2021-02-06 was not loaded within 0:00:00" in words
    assert tasks(client, runs.late) == {"wait-for": "FAILED"}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("typo", "'nps_by_dya' selects nothing in .*: correct select"),
        ("stateless", r"dbt ls could not run in .*: Runtime Error\n  Got a state selector method"),
    ],
    ids=["a name that is not there", "a method that needs what is not there"],
)
def test_a_bad_selection_is_told_before_anything_is_waited_for(
    client: SyncPrefectClient, runs: Runs, run: str, words: str
) -> None:
    _, ended, said = state(client, getattr(runs, run))

    assert ended == "FAILED"
    assert re.search(f"DbtUnusable: .*{words}", said)
    assert tasks(client, getattr(runs, run)) == {}


def test_the_password_is_in_nothing_that_is_kept(client: SyncPrefectClient, runs: Runs) -> None:
    kept = [file.read_bytes().decode(errors="replace") for file in runs.project.rglob("*") if file.is_file()]
    pages = [str(page(client, run)) for run in (runs.good, runs.bad)]

    assert "nps_by_day" in "".join(kept)
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert not [text for text in [*kept, *pages, runs.said] if secret in text]


@pytest.mark.parametrize("has_one", [True, False], ids=["with a .venv-dbt", "without"])
def test_the_deployment_starts_the_python_that_has_dbt_where_there_is_one(has_one: bool, tmp_path: Path) -> None:
    """Its command, as a process worker that was started in `tmp_path` runs it; but Python only says which one it is."""
    require_dbt()
    if has_one:
        (tmp_path / ".venv-dbt").symlink_to(PYTHON.parents[1])
    deployments = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"]
    (ours,) = (entry for entry in deployments if entry["entrypoint"] == "flows/dbt_build.py:dbt_build")
    variables = ours["work_pool"]["job_variables"]
    command = shlex.split(variables["command"].replace("-m prefect.engine", '-c "import sys; print(sys.executable)"'))
    done = subprocess.run(
        command,
        cwd=tmp_path / variables["working_dir"],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == (f"{tmp_path}/.venv-dbt/bin/python" if has_one else sys.executable), done.stderr


def test_without_dbt_it_says_what_to_install(prefect_server: str) -> None:
    remedy = r"run pip install 'prefect-daybook\[dbt\]', or run `sh deployments/local/install\.sh dbt`"
    with pytest.raises(DbtUnusable, match=f"dbt is not installed for .*: .* {remedy}"):
        dbt_build.with_options(retries=0)(str(ROOT / "tests" / "support" / "dbt_project"), DAY)


def test_a_folder_without_a_project_is_named(prefect_server: str, tmp_path: Path) -> None:
    with pytest.raises(DbtUnusable, match=f"no dbt project in {tmp_path}: give the folder that has dbt_project.yml"):
        dbt_build.with_options(retries=0)(str(tmp_path), DAY)
