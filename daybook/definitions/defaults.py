"""The defaults in daybook.yaml that apply to a table file or a summary file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from daybook.definitions.project_file import FILE, PYPROJECT, read_project
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.errors import TableFileError
from daybook.sources.registry import default_block
from daybook.suggestions import did_you_mean
from daybook.yaml_model import Layer, merged

FOR_TABLES = frozenset(Table.model_fields) - {"name"}
#: The fields that say which rows a summary has, and when it is built. A default for tables never changes them.
_OF_ROWS = {"name", "sql", "key", "cursor", "interval", "lookback", "columns", "input_checks", "output_checks"}
FOR_SUMMARIES = frozenset(Summary.model_fields) - _OF_ROWS - {"schedule"}


def defaults_of_table(folder: Path, schema: str, layers: Iterable[Layer]) -> list[Layer]:
    """Return the defaults for a table: those of all tables, of its source, and of its schema, weakest first.

    Args:
        folder: the folder of the table files. Its parent is the project's folder.
        schema: the table's schema in the warehouse.
        layers: the table's own fields, which name its source.

    Raises:
        TableFileError: the project's file is invalid, or has a default for a field that does not exist.
    """
    project, where = read_project(folder.parent), _where(folder.parent)
    common = _layer(where, "defaults", project.defaults, FOR_TABLES | FOR_SUMMARIES, FOR_TABLES)
    of_schema = _layer(where, f"schemas.{schema}", project.schemas.get(schema, {}), FOR_TABLES, FOR_TABLES)
    block = block_of([common, of_schema, *layers])
    of_source = _layer(where, f"sources.{block}", project.sources.get(str(block), {}), FOR_TABLES, FOR_TABLES)
    return [layer for layer in (common, of_source, of_schema) if layer.fields]


def block_of(layers: Sequence[Layer]) -> str | None:
    """Return the block of the source in these fields, or the default block of its kind. None: it has no block."""
    source = merged(layers).get("source")
    if not isinstance(source, Mapping):
        return None
    block = source.get("block") or default_block(str(source.get("kind")))
    return None if block is None else str(block)


def where_of(folder: Path, schema: str, layers: Sequence[Layer]) -> str | None:
    """Return the condition of the rows to load of a table with these fields of its own, with the defaults for it.

    Takes the arguments of `defaults_of_table`, and raises the same.
    """
    source = merged([*defaults_of_table(folder, schema, layers), *layers]).get("source")
    return source.get("where") if isinstance(source, Mapping) else None


def defaults_of_summary(folder: Path) -> list[Layer]:
    """Return those of the project's defaults that are fields of summaries, such as the owner.

    Raises:
        TableFileError: the project's file is invalid, or has a default for a field that does not exist.
    """
    project = read_project(folder.parent)
    return [
        _layer(_where(folder.parent), "defaults", project.defaults, FOR_TABLES | FOR_SUMMARIES, FOR_SUMMARIES),
    ]


def _where(root: Path) -> str:
    return str(root / FILE) if (root / FILE).is_file() else f"{root / PYPROJECT}: [tool.daybook]"


def _layer(where: str, part: str, fields: Mapping[str, Any], known: frozenset[str], taken: frozenset[str]) -> Layer:
    for name in fields:
        if name not in known:
            near = did_you_mean(name, known, f"a default is a field of table files: {', '.join(sorted(known))}")
            raise TableFileError(f"{where}: {part}: {name}: unknown field{near}")
    return Layer(f"{where}: {part}", {name: value for name, value in fields.items() if name in taken})
