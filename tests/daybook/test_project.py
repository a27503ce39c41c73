"""Which folder is the project's."""

import asyncio
import inspect
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.flows import load_flow_from_flow_run
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED, temporary_settings

from daybook import project
from daybook.definitions.table_files import table_names

ROOT = Path(__file__).resolve().parents[2]
AS_A_PERSON = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


@pytest.fixture(autouse=True)
def without_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(project.VARIABLE, raising=False)


def test_the_nearest_folder_with_tables_from_here_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("outer/tables", "outer/inner/tables/raw", "outer/other/deep"):
        (tmp_path / folder).mkdir(parents=True)
    for here, expected in (
        ("outer/inner/tables/raw", "outer/inner"),
        ("outer/other/deep", "outer"),
        ("outer", "outer"),
    ):
        monkeypatch.chdir(tmp_path / here)
        assert project.project_root() == tmp_path / expected


def test_the_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path / "elsewhere"))
    assert project.project_root() == tmp_path / "elsewhere"


def test_without_tables_it_is_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project.project_root() == project.checkout() == ROOT


def test_without_tables_and_checkout_it_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package has flows/ inside. What lies beside it is other packages: PyTables is called tables, too."""
    installed = tmp_path / "site-packages"
    for folder in ("daybook/flows", "tables"):
        (installed / folder).mkdir(parents=True)
    monkeypatch.setattr(project, "__file__", str(installed / "daybook" / "project.py"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert project.checkout() is None
    assert project.project_root() == tmp_path / "work"


def test_the_tables_are_looked_up_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("orders", "visits"):
        (tmp_path / name / "tables" / "shop").mkdir(parents=True)
        (tmp_path / name / "tables" / "shop" / f"{name}.yaml").touch()
        monkeypatch.chdir(tmp_path / name)
        assert table_names() == [f"shop.{name}"]


def test_the_projects_file_comes_before_a_nearer_folder_of_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `tables` may be anything: in a monorepo, the file says which folder is the project."""
    (tmp_path / "warehouse" / "lib" / "tables").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "warehouse" / "lib")
    assert project.project_root() == tmp_path / "warehouse" / "lib"
    (tmp_path / "warehouse" / "pyproject.toml").write_text('[tool.daybook]\nname = "shop"\n')
    assert project.project_root() == tmp_path / "warehouse"
    (tmp_path / "warehouse" / "pyproject.toml").write_text('[tool.other]\nname = "shop"\n')
    (tmp_path / "daybook.yaml").write_text("name: shop\n")
    assert project.project_root() == tmp_path


def test_a_checkout_is_a_project_with_a_file() -> None:
    assert project.is_project(ROOT)


@pytest.mark.servers
@pytest.mark.parametrize("step", ["set_working_directory", "git_clone"])
def test_a_run_finds_the_project_that_its_deployments_pull_step_names(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect loads the flow of a deployment as a worker does: pull steps first, then the module of the flow."""
    shop = tmp_path / "shop"
    (shop / "tables" / "raw_data").mkdir(parents=True)
    (shop / "tables" / "raw_data" / "orders.yaml").touch()
    (shop / "daybook.yaml").write_text("name: shop\n")
    given: dict[str, str] = {"directory": str(shop)}
    if step == "git_clone":
        for command in (["init", "-q", "-b", "main"], ["add", "."], [*AS_A_PERSON, "commit", "-qm", "Orders"]):
            subprocess.run(["git", *command], cwd=shop, check=True)
        given = {"repository": shop.as_uri(), "branch": "main"}
    (tmp_path / "worker").mkdir()
    monkeypatch.chdir(tmp_path / "worker")
    deployment = SimpleNamespace(
        id=uuid4(),
        entrypoint="daybook.flows.load_table:load_table",
        pull_steps=[{f"prefect.deployments.steps.{step}": given}],
    )
    client = SimpleNamespace(read_deployment=AsyncMock(return_value=deployment))
    run = FlowRun(flow_id=uuid4(), deployment_id=deployment.id, name="orders")
    monkeypatch.setattr("prefect.deployments.steps.core._emit_pull_step_event", AsyncMock())
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False}
    with disable_run_logger(), temporary_settings(nowhere):
        load: Any = inspect.unwrap(load_flow_from_flow_run)  # without a server to ask
        flow = asyncio.run(load(client, run))
    assert flow.name == "load-table"
    assert project.project_root() == (shop if step == "set_working_directory" else tmp_path / "worker" / "shop-main")
    assert table_names() == ["raw_data.orders"]
