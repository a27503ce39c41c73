"""Every flow: its file, its name, and what the UI's form offers and explains."""

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

import flows
from daybook.definitions.summary_files import summary_names
from daybook.definitions.table_files import table_names
from daybook.orchestration import flow as flow_module

MODULES = [importlib.import_module(f"flows.{module.name}") for module in pkgutil.iter_modules(flows.__path__)]
#: The flows that each module defines.
FLOWS = {
    Path(str(module.__file__)).stem: [
        thing for thing in vars(module).values() if isinstance(thing, Flow) and thing.fn.__module__ == module.__name__
    ]
    for module in MODULES
}
FILES = [name for name, found in FLOWS.items() if found]


def schema(name: str) -> dict[str, Any]:
    return FLOWS[name][0].parameters.model_dump()


def test_there_are_flows() -> None:
    assert {"nps", "load_table"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_function_and_flow_have_one_name(name: str) -> None:
    (found,) = FLOWS[name]
    assert found.fn.__name__ == name
    assert found.name == name.replace("_", "-")
    assert found.description


def test_every_file_holds_one_flow() -> None:
    assert set(FLOWS) - set(FILES) == {"prometheus"}, "which only keeps an old command"


@pytest.mark.parametrize("name", FILES)
def test_a_flow_reads_from_top_to_bottom(name: str) -> None:
    """Nothing but the flow and its command is in its file; what makes Prefect run it is in daybook.orchestration."""
    text = (Path(flows.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    tree = ast.parse(text)
    defined = [one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    assert defined in ([name], [name, "main"])
    imported = [one.module or "." for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    assert not [module for module in imported if module.startswith("flows")], "the folder ships as daybook.flows"


@pytest.mark.parametrize("name", FILES)
def test_a_flow_records_why_it_fails(name: str) -> None:
    """By the decorator of daybook.orchestration.flow, whose wrapper stands before the function."""
    assert FLOWS[name][0].fn.__code__.co_filename == flow_module.__file__


@pytest.mark.parametrize("name", FILES)
def test_every_parameter_is_explained_in_one_way(name: str) -> None:
    properties = schema(name)["properties"]
    assert properties
    for parameter, said in properties.items():
        assert len(said.get("description", "")) > 20, f"{name}: {parameter} has no description"


@pytest.mark.parametrize("name", FILES)
def test_dates_are_date_pickers_and_a_table_is_any_that_has_a_file(name: str) -> None:
    properties = schema(name)["properties"]
    for parameter in {"execution_date", "until"} & properties.keys():
        formats = {choice.get("format") or choice["type"] for choice in properties[parameter]["anyOf"]}
        assert formats - {"date-time"} == {"date", "null"}  # a dbt project has days alone
        assert parameter not in schema(name).get("required", [])
    if "table" in properties:
        assert "string" in {kind.get("type") for kind in [properties["table"], *properties["table"].get("anyOf", [])]}
    # The server would hold a table whose file is newer than the deployment against a list of names.
    names = {*table_names(), *summary_names()}
    assert not [one for one in _enums(schema(name)) if names & set(one)]


def _enums(schema: Any) -> list[list[str]]:
    if isinstance(schema, list):
        return [found for one in schema for found in _enums(one)]
    if not isinstance(schema, dict):
        return []
    own = [schema["enum"]] if isinstance(schema.get("enum"), list) else []
    return own + [found for one in schema.values() for found in _enums(one)]


@pytest.mark.parametrize("name", ["nps", "load_table"])
def test_a_load_is_tried_once_more_after_three_minutes(name: str) -> None:
    assert (FLOWS[name][0].retries, FLOWS[name][0].retry_delay_seconds) == (1, 180)
