"""The JSON Schemas of group files and daybook.yaml: what Daybook reads is accepted, and a misspelt field is not."""

import json
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.table_groups.group_file import TableGroup
from daybook.project import tables_folder
from daybook.scaffold.schema_files import schema_files

GROUP = """
source: {kind: database, block: shop, tables: 'shop.*', exclude: ['tmp_*'], zero_dates: null, where: "a = 1"}
schema: raw_shop
defaults: {owner: shop-team, due: null, source: {replica: shop-replica}, schedule: 6h}
tables:
  orders: {cursor: updated_at, start: "2021-02-05", audit: weekly}
  customers:
"""
PROJECT = """
name: shop
external: [crm.*]
defaults: {owner: data-team, timezone: Europe/Berlin, schedule: "0 6 * * *", tags: [a], due: "08:00"}
sources: {production: {source: {zero_dates: "null"}, concurrency: 2}}
schemas: {raw_finance: {owner: finance}}
targets: {dev: {last: 7 days, where: {raw_data.orders: "country = 'DE'"}}}
deployments: {catch_up: false, tables_at_once: 2}
pull: [{prefect.deployments.steps.git_clone: {repository: "https://example.com/a.git"}}]
"""


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema_files()[f"tables/{name}"]))


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def test_the_schemas_of_this_project_are_up_to_date() -> None:
    root = tables_folder().parent
    assert {name: (root / name).read_text("utf-8") for name in schema_files()} == schema_files(), "run daybook schemas"


def test_what_is_read_is_accepted() -> None:
    TableGroup.model_validate(read(GROUP))
    schema("group.schema.json").validate(read(GROUP))
    ProjectFile.model_validate(read(PROJECT))
    schema("project.schema.json").validate(read(PROJECT))


@pytest.mark.parametrize(
    ("file", "text", "change"),
    [
        ("group.schema.json", GROUP, ("exclude", "exclud")),
        ("group.schema.json", GROUP, ("schema:", "shema:")),
        ("group.schema.json", GROUP, ("schedule: 6h", "schedul: 6h")),
        ("group.schema.json", GROUP, ("cursor:", "coursor:")),
        ("group.schema.json", GROUP, ("zero_dates: null", "zero_dates: nil")),
        ("group.schema.json", GROUP, ("where:", "query:")),
        ("project.schema.json", PROJECT, ("external", "extern")),
        ("project.schema.json", PROJECT, ("concurrency: 2", "concurrency: two")),
        ("project.schema.json", PROJECT, ("owner: finance", "ownr: finance")),
        ("project.schema.json", PROJECT, ("last: 7 days", "lst: 7 days")),
    ],
)
def test_a_mistake_is_marked(file: str, text: str, change: tuple[str, str]) -> None:
    assert change[0] in text
    with pytest.raises(jsonschema.ValidationError):
        schema(file).validate(read(text.replace(*change)))
