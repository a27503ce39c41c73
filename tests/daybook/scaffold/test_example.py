"""The example project outside of a checkout, as `daybook demo` of an installed package makes it."""

from pathlib import Path

import pytest
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from daybook.cli.stack import demo_folder, stack_folder
from daybook.definitions.table_files import read_table, table_names
from daybook.orchestration.local_stack.demo.run import DEMO_DEPLOYMENTS
from daybook.project import VARIABLE, project_root
from daybook.scaffold.example import copy_example, example_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_copy_is_a_project_whose_deployments_need_no_folder_of_flows(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy_example(elsewhere / "copy"))
    assert project_root() == elsewhere / "copy"
    assert "raw_data.nps" in table_names() and read_table("raw_data.nps").owner
    assert not (elsewhere / "copy" / "flows").exists()
    deployments = YAML(typ="safe").load(elsewhere / "copy" / "prefect.yaml")["deployments"]
    names = {f"{load_flow_from_entrypoint(one['entrypoint']).name}/{one['name']}" for one in deployments}
    assert names >= set(DEMO_DEPLOYMENTS)


def test_a_second_copy_changes_nothing(elsewhere: Path) -> None:
    file = copy_example(elsewhere) / "tables" / "raw_data" / "nps.yaml"
    file.write_text("mine")
    copy_example(elsewhere)
    assert file.read_text() == "mine"


def test_the_demo_runs_in_a_folder_of_its_own_and_never_in_a_users_project(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "daybook.yaml").write_text("name: shop\n")
    (elsewhere / "prefect.yaml").write_text("deployments: []\n")
    assert demo_folder() == elsewhere / "daybook-demo"
    monkeypatch.chdir(elsewhere / "daybook-demo")
    assert demo_folder() == elsewhere / "daybook-demo", "again, in the folder of the demo"
    assert stack_folder() == elsewhere / "daybook-demo"
    monkeypatch.chdir(example_folder())
    assert demo_folder() == example_folder()


def test_stack_down_finds_the_demo_that_was_started_from_this_folder(elsewhere: Path) -> None:
    demo = demo_folder()
    assert stack_folder() != demo, "nothing has been started"
    (demo / ".daybook").mkdir()
    assert stack_folder() == demo
    (elsewhere / "daybook.yaml").write_text("name: shop\n")
    (elsewhere / ".daybook").mkdir()
    assert stack_folder() == elsewhere, "the project has a stack of its own"
