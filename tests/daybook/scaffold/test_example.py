"""The example project outside of a checkout, as `daybook demo` of an installed package makes it."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from daybook.cli.stack import demo_folder, stack_folder
from daybook.definitions.table_files import table_names
from daybook.project import VARIABLE, project_root
from daybook.scaffold.example import copy_example
from tests.support.small_project import FILES, write_project

ROOT = Path(__file__).parents[3]
PREFECT_YAML = """\
deployments:
  - name: on-demand
    entrypoint: flows/load_table.py:load_table
  - name: mine
    entrypoint: daybook.flows.load_table:load_table
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder outside of any project the working directory, and a small project the example."""
    example = write_project(tmp_path_factory.mktemp("example"), FILES)
    (example / "tests" / "tables" / "analytics").mkdir(parents=True)
    (example / "deployments").mkdir()
    for name, text in (
        ("daybook.yaml", "name: example\n"),
        ("prefect.yaml", PREFECT_YAML),
        ("deployments/automations.yaml", "automations: []\n"),
    ):
        (example / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("daybook.scaffold.example.checkout", lambda: example)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_copy_is_a_project_whose_deployments_need_no_folder_of_flows(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy_example(elsewhere / "copy"))
    assert project_root() == elsewhere / "copy"
    assert table_names() == ["raw_data.nps", "raw_data.user_session_channel"]
    assert not (elsewhere / "copy" / "flows").exists()
    deployments = YAML(typ="safe").load(elsewhere / "copy" / "prefect.yaml")["deployments"]
    assert {one["entrypoint"] for one in deployments} == {"daybook.flows.load_table:load_table"}


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
    monkeypatch.chdir(ROOT)
    assert demo_folder() == ROOT, "in a checkout"


def test_stack_down_finds_the_demo_that_was_started_from_this_folder(elsewhere: Path) -> None:
    demo = demo_folder()
    assert stack_folder() != demo, "nothing has been started"
    (demo / ".daybook").mkdir()
    assert stack_folder() == demo
    (elsewhere / "daybook.yaml").write_text("name: shop\n")
    (elsewhere / ".daybook").mkdir()
    assert stack_folder() == elsewhere, "the project has a stack of its own"
