"""The example project of this repository: a copy is whole, and the tests of the library need no part of it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from daybook.definitions.table_files import read_table, table_names
from daybook.orchestration.local_stack.demo.run import DEMO_DEPLOYMENTS
from daybook.project import project_root
from daybook.scaffold.example import copy_example
from tests.support.examples_guard import LIBRARY_TESTS, guard
from tests.support.project_copy import EXAMPLE_FLOWS

ROOT = Path(__file__).parents[2]


def test_the_demo_finds_its_flows_and_tables_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy_example(tmp_path / "copy"))
    assert project_root() == tmp_path / "copy"
    assert "raw_data.nps" in table_names() and read_table("raw_data.nps").owner
    deployments = YAML(typ="safe").load(Path("prefect.yaml"))["deployments"]
    names = {f"{load_flow_from_entrypoint(one['entrypoint']).name}/{one['name']}" for one in deployments}
    assert names >= set(DEMO_DEPLOYMENTS)


def test_no_test_of_the_library_imports_a_flow_of_the_examples() -> None:
    names = "|".join(name.removesuffix(".py") for name in EXAMPLE_FLOWS)
    imports = re.compile(
        rf"^\s*(?:from flows import .*\b(?:{names})\b|(?:from|import) (?:daybook\.)?flows\.(?:{names})\b)", re.MULTILINE
    )
    assert imports.search((ROOT / "tests" / "flows" / "test_nps.py").read_text(encoding="utf-8"))
    files = [file for folder in (*LIBRARY_TESTS, "tests/support/") for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    assert [str(file) for file in files if imports.search(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("look", [lambda: read_table("raw_data.nps"), table_names], ids=["open", "list"])
def test_a_test_of_the_library_that_reads_an_example_fails(
    look: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    look()
    monkeypatch.setattr(guard, "test", "tests/daybook/test_x.py::test_y")
    with pytest.raises(pytest.fail.Exception, match=r"test_y reads .*tables.*, which is an example"):
        look()
