"""Table files: what the warehouse holds, a folder a schema and a file a table.

`tables/raw_data/nps.yaml` describes `raw_data.nps`. What may stand in it is `daybook.table.Table`.
"""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from daybook.errors import TableFileError
from daybook.table import Table

#: Where the project keeps its table files.
TABLES = Path(__file__).resolve().parent.parent / "tables"


def table_names(folder: Path = TABLES) -> list[str]:
    """Every table that has a file with a source below `folder`, as `schema.table`, sorted."""
    return sorted(
        f"{path.parent.name}.{path.stem}" for path in folder.glob("*/*.yaml") if not path.with_suffix(".sql").exists()
    )


def read_table(name: str, folder: Path = TABLES) -> Table:
    """The table `name` (`schema.table`) as its file below `folder` describes it.

    Raises:
        TableFileError: there is no such file, or it is wrong; names the file, the field and what to do.
    """
    schema, _, stem = name.partition(".")
    path = folder / schema / f"{stem}.yaml"
    if not stem or not path.is_file():
        near = get_close_matches(name, table_names(folder), 3)
        raise TableFileError(
            f"there is no table {name!r}: expected the file {path}."
            + (f" Did you mean {', '.join(near)}?" if near else f" Tables: {', '.join(table_names(folder)) or 'none'}.")
        )
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise TableFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError as error:
        raise TableFileError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    if not isinstance(content, dict):
        raise TableFileError(
            f"{path} must hold fields (description, owner, source, load, …), and holds {content!r:.40}"
        )
    if "name" in content:
        raise TableFileError(f"{path}: name: the name comes from the folder and the file; remove the line")
    try:
        return Table(name=name, **content)
    except ValidationError as error:
        raise TableFileError(_explain(path, error)) from None


def _explain(path: Path, error: ValidationError) -> str:
    fields = list(Table.model_fields)
    lines = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        field, message = ".".join(where), problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(where[-1], fields, 1)
            message = "no such field; " + (
                f"did you mean {near[0]!r}?" if near else f"there are {', '.join(f for f in fields if f != 'name')}"
            )
        elif problem["type"] == "missing":
            known = Table.model_fields.get(where[0])
            message = f"missing; add it ({known.description if known else 'required'})"
        elif not isinstance(problem["input"], dict):
            message = f"{message} (it says {problem['input']!r:.80})"
        lines.append(f"{path}: {field + ': ' if field else ''}{message}")
    return "\n".join(lines)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a table file, for editors."""
    schema = Table.model_json_schema()
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "daybook/tables/schema.json",
        **schema,
        "title": "A table of the warehouse",
    }


if __name__ == "__main__":
    path = TABLES / "schema.json"
    path.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {path}")
