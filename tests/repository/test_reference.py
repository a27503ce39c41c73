"""The pages of docs/reference have what the code has: fields, arguments, deployments, columns, events, errors."""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from daybook.audit import audit_log
from daybook.cli.commands import COMMANDS
from daybook.errors import DaybookError
from daybook.ledger import failures, interval_checksums, ledger, moves, schema_version, source_columns
from daybook.monitoring.incidents import incident_log
from daybook.monitoring.key_metrics import metrics_table
from daybook.orchestration import events, monitor_events
from daybook.orchestration.blocks.registry import declared_blocks
from daybook.summaries.builder import build_inputs
from docs.generate import fields
from docs.generate.pages import PICTURES, page_paths, rendered

# Imported before pytest adds its handlers to the loggers, which this module copies.
importlib.import_module("daybook.orchestration.command_line")

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference"
UPDATE = "run `make docs`"
TABLES = {
    "ledger": ledger.COLUMNS,
    "failures": failures.COLUMNS,
    "columns": source_columns.COLUMNS,
    "checksums": interval_checksums.COLUMNS,
    "moves": moves.COLUMNS,
    "inputs": build_inputs.COLUMNS,
    "audits": audit_log.COLUMNS,
    "incidents": incident_log.COLUMNS,
    "key_metrics": metrics_table.COLUMNS,
    "schema_version": schema_version.COLUMNS,
}


def text(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Return the part of a page under a heading of the second level."""
    return text(page).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(markdown: str) -> list[list[str]]:
    """Return the cells of the rows of all tables in a text, without the header of each."""
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in markdown.splitlines() if line.startswith("|")]
    rules = [place for place, row in enumerate(cells) if not "".join(row).strip(" -:")]
    return [
        [cell.strip() for cell in row]
        for place, row in enumerate(cells)
        if place not in rules and place + 1 not in rules
    ]


def code(cell: str) -> str:
    """Return the first word in a cell that is written as code."""
    return re.findall(r"`([^`]+)`", cell)[0]


@pytest.mark.parametrize("path", page_paths(), ids=lambda path: path.stem)
def test_the_generated_parts_of_a_page_are_what_the_code_gives(path: Path) -> None:
    page = path.read_text(encoding="utf-8")

    assert rendered(page, path.name) == page, UPDATE


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_generated_picture_is_what_the_code_gives(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PICTURES[path](), UPDATE


def test_a_generated_part_with_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"page.md: no part is called 'fjelds'"):
        rendered("<!-- generated: fjelds Table -->\n<!-- end -->", "page.md")


@pytest.mark.parametrize(
    ("page", "model", "given"),
    [
        ("table-file.md", "Table", ("name",)),
        ("summary-file.md", "Summary", ("name", "sql")),
        ("checks.md", "Check", ()),
        ("project-file.md", "ProjectFile", ()),
    ],
)
def test_every_field_of_a_file_is_in_its_page_once(page: str, model: str, given: tuple[str, ...]) -> None:
    named = " ".join(re.findall(rf"<!-- generated: fields {model}(.*?) -->", text(page))).split()
    wanted = [name for name in fields.MODELS[model].model_fields if name not in given]

    assert sorted(named) in ([], sorted(wanted))  # a part without names has them all


def test_every_field_has_a_description() -> None:
    models = {**fields.MODELS, **fields.SOURCES}

    assert not [
        f"{model}.{name}"
        for model, kind in models.items()
        for name, field in kind.model_fields.items()
        if not field.description and name != "kind"
    ]


def test_every_kind_of_source_has_a_section() -> None:
    assert set(re.findall(r"^## source: (\w+)$", text("table-file.md"), re.MULTILINE)) == set(fields.SOURCES)


def test_every_command_has_a_section() -> None:
    assert re.findall(r"^## ([\w-]+)$", text("cli.md"), re.MULTILINE) == list(COMMANDS)


def test_every_table_of_the_schema_daybook_is_in_its_page() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "daybook").rglob("*.py"))

    assert set(re.findall(r'StateTable\(warehouse, "(\w+)"', code)) == TABLES.keys() - {"schema_version"}


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_of_a_table_of_the_schema_daybook(table: str) -> None:
    found = {code(name): code(type) for name, type, _ in rows(section("schema-daybook.md", table))}

    assert list(found.items()) == list(TABLES[table].items())


def _subclasses(kind: type[DaybookError]) -> set[str]:
    return {kind.__name__}.union(*(_subclasses(one) for one in kind.__subclasses__() if one.__module__[:4] == "dayb"))


def test_every_error_is_in_its_page() -> None:
    for module in ("blocks", "automations", "deploy"):
        importlib.import_module(f"daybook.orchestration.{module}.errors")
    importlib.import_module("daybook.lifecycle.errors")
    importlib.import_module("daybook.orchestration.load_runs.several_tables")

    assert {code(row[0]) for row in rows(text("errors.md"))} == _subclasses(DaybookError) - {"DaybookError"}


def test_every_environment_variable_is_in_its_page() -> None:
    folders = ("daybook", "flows", "blocks", "deployments")
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = set(re.findall(r'"(DAYBOOK_[A-Z_]+)"', "\n".join(sources)))
    read_by_blocks = {
        variable.name
        for block in declared_blocks(importlib.import_module("daybook.blocks"))
        for variable in block.variables
    }
    marks_of_processes = {"DAYBOOK_STACK_HOME", "DAYBOOK_STACK_PART"}

    assert (named | read_by_blocks) - marks_of_processes <= set(re.findall(r"`([A-Z_]+)`", text("environment.md")))


def test_every_variable_of_a_deployment_is_in_its_page() -> None:
    set_there = set(re.findall(r"\b([A-Z][A-Z_]{5,}): ", (ROOT / "prefect.yaml").read_text(encoding="utf-8")))

    assert set_there <= set(re.findall(r"`([A-Z_]+)`", section("environment.md", "Per deployment")))


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the events that are emitted during a test."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda **event: found.append(event))
    return found


def test_the_events_are_in_their_page(emitted: list[dict[str, Any]]) -> None:
    events._emit("raw_data.nps", "upsert", (), 0, None, ())
    monitor_events._emit(monitor_events.WARNED, "raw_data.nps", "a check warns")
    monitor_events._emit(monitor_events.RECOVERED, "raw_data.nps", "checks")

    for event in emitted:
        part = section("events.md", event["event"])
        assert [code(row[0]) for row in rows(part)] == [*event["resource"], *event["payload"]]
    assert [event["event"] for event in emitted] == re.findall(r"^## (daybook\.\S+)$", text("events.md"), re.MULTILINE)


def _names_in(module: str) -> set[str]:
    path = ROOT / Path(*module.split("."))
    code = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    tree = ast.parse(code.read_text(encoding="utf-8"))
    return {
        name
        for node in ast.walk(tree)
        for name in (
            [node.name]
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            else [node.id]
            if isinstance(node, ast.Name)
            else []
        )
    }


def test_the_new_names_of_renamed_modules_are_there() -> None:
    renamed = [code(now) for _, now in rows(text("renames.md").split("\n## Modules\n")[1].split("\n## ")[0])]
    paths = [ROOT / Path(*name.removesuffix(".*").split(".")) for name in renamed]

    assert [path for path in paths if not path.is_dir() and not path.with_suffix(".py").is_file()] == []


def test_the_new_names_of_renamed_classes_and_functions_are_there() -> None:
    renamed = [(code(module), code(now)) for _, now, module in rows(text("renames.md").split("\n## Classes")[1])]

    assert [name for name in renamed if not set(name[1].split(".")) <= _names_in(name[0])] == []
