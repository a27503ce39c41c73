"""The JSON Schemas of table files and summary files, which editors use to check and complete them."""

import json

from pydantic import BaseModel

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its path in the project."""
    models: dict[str, type[BaseModel]] = {"schema.json": Table, "summary.schema.json": Summary}
    return {
        f"tables/{name}": json.dumps(json_schema(model, name), indent=2, ensure_ascii=False) + "\n"
        for name, model in models.items()
    }
