"""The files of this repository's own project: the schema for editors, and the owners."""

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import json_schema, read_table, table_names
from daybook.orchestration.notifications.routing import read_owners
from daybook.project import tables_folder
from daybook.summaries.graph import check, order_builds
from daybook.summaries.testing.fixtures import declared_types


def test_the_json_schema_is_up_to_date_and_accepts_every_file() -> None:
    written = json.loads((tables_folder() / "schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(), "run daybook schemas"
    validator = jsonschema.Draft202012Validator(written)
    assert table_names()
    for name in table_names():
        read_table(name)
        path = tables_folder() / name.split(".")[0] / f"{name.split('.', 1)[1]}.yaml"
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        validator.validate(json.loads(json.dumps(content, default=str)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"ownr": "x"})


def test_every_owner_of_a_table_has_a_line_in_ours() -> None:
    named = {
        YAML(typ="safe", pure=True).load(path.read_text("utf-8"))["owner"] for path in tables_folder().glob("*/*.yaml")
    }

    assert named and named <= read_owners().owners.keys()
    assert read_owners().default
    assert not [name for name in table_names() if "owners" in name]


@pytest.mark.parametrize("dialect", ["postgres", "redshift"])
def test_the_summaries_are_valid(dialect: str) -> None:
    declared = declared_types(table_names())
    live = {name: dict.fromkeys(declared.get(name, {}), "") for name in table_names()}
    summaries = [read_summary(name) for name in summary_names()]
    graph = order_builds(summaries, dialect)
    check(graph.lineages, graph.order, live)
    assert set(graph.order) == set(summary_names())
