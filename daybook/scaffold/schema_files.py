"""The JSON Schemas of the project's files, which editors use to check and complete them."""

import json
from typing import Any

from daybook.definitions.editor_schemas import group_schema, project_schema
from daybook.definitions.summary import Summary
from daybook.definitions.table_files import json_schema


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its path in the project."""
    schemas: dict[str, dict[str, Any]] = {
        "schema.json": json_schema(),
        "summary.schema.json": json_schema(Summary, "summary.schema.json"),
        "group.schema.json": group_schema("group.schema.json"),
        "project.schema.json": project_schema("project.schema.json"),
    }
    return {
        f"tables/{name}": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()
    }
