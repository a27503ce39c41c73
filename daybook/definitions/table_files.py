"""Table files: one folder per schema, one file per table.

`tables/raw_data/nps.yaml` describes `raw_data.nps`. `daybook.definitions.table.Table` defines its fields. A table
without a file of its own may be in a group file: see `daybook.definitions.table_groups`.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from daybook.definitions.defaults import defaults_of_table
from daybook.definitions.table import Table
from daybook.definitions.table_groups.group_file import group_layers, group_of, names_in_groups
from daybook.definitions.targets.project_target import current_target
from daybook.definitions.targets.renaming import TargetNames, in_target
from daybook.errors import TableFileError
from daybook.model.table_name import TableName
from daybook.project import tables_folder
from daybook.suggestions import did_you_mean
from daybook.yaml_model import Layer, build, read_layer

#: The required fields that a file may leave to the defaults of the project.
_FROM_DEFAULTS = ("owner", "load")


def table_names(folder: Path | None = None) -> list[str]:
    """Return every table that has a file with a source in `folder`, as `schema.table` of the target, sorted.

    The default `folder`, here and in every function that takes one, is the project's `tables/`.
    """
    folder = folder or tables_folder()
    return current_target().tables(table_file_names(folder), folder)


def table_file_names(folder: Path | None = None) -> list[str]:
    """Return the same tables by the names of their files, whatever the target is."""
    folder = folder or tables_folder()
    return sorted({*_names(folder, ".yaml"), *names_in_groups(folder)} - {*summary_file_names(folder)})


def summary_file_names(folder: Path | None = None) -> list[str]:
    """Return every summary that has a SELECT in `folder`, by the names of the files, sorted."""
    return _names(folder or tables_folder(), ".sql")


def dataset_file_names(folder: Path | None = None) -> list[str]:
    """Return every table and summary that has a file in `folder`, by the names of their files."""
    return [*table_file_names(folder), *summary_file_names(folder)]


def path_of(name: str, folder: Path, ending: str) -> Path | None:
    """Return the path of a table's file in `folder`, or None if `name` is not `schema.table`."""
    try:
        return TableName.parse(name).path(folder, ending)
    except ValueError:
        return None


def read_table(name: str, folder: Path | None = None) -> Table:
    """Return the table `name` (`schema.table`) from its file in `folder`, with the names of the target.

    `name` is the name of the file, or the name in the target's warehouse.

    Raises:
        TableFileError: the file does not exist, or is invalid. The message names the file, the field and the remedy.
    """
    folder = folder or tables_folder()
    target = current_target()
    name = file_name(name, folder, ".yaml")
    return in_target(_read(name, folder), target, lambda: dataset_file_names(folder))


def sql_in_target(sql: str, folder: Path | None = None) -> str:
    """Return SQL that names tables of the project, with the schemas of the current target."""
    return TargetNames(current_target(), lambda: dataset_file_names(folder)).in_sql(sql)


def file_name(name: str, folder: Path, ending: str) -> str:
    """Return the name of a table's file. `name` is that one already, or the name in the target's warehouse.

    Raises:
        TableFileError: the table would share its schema with another one.
    """
    target = current_target()
    short = target.file_name(name)
    path = path_of(short, folder, ending) if short != name else None
    in_group = path is not None and ending == ".yaml" and not path.is_file() and group_of(short, folder) is not None
    found = short if path and (in_group or path.is_file()) else name
    target.check_schema(found.partition(".")[0], folder)
    return found


def _names(folder: Path, ending: str) -> list[str]:
    return sorted(f"{path.parent.name}.{path.stem}" for path in folder.glob(f"*/*{ending}"))


def _read(name: str, folder: Path) -> Table:
    layers = file_layers(name, folder)
    return build([*defaults_of_table(folder, name.partition(".")[0], layers), *layers], Table, name=name)


def file_layers(name: str, folder: Path) -> list[Layer]:
    """Return the fields that a table has from its own file, or from its group, without the project's defaults.

    Args:
        name: the name of the file, as `schema.table`.
        folder: the folder of the table files.

    Raises:
        TableFileError: the table has no file, or the file is not YAML.
    """
    path = path_of(name, folder, ".yaml")
    if path and path.is_file():
        return [read_layer(path, Table, without=["name"])]
    layers = group_layers(name, folder) if path else None
    if layers:
        return layers
    names = table_names(folder)
    expected = f"the file {path}" if path else "schema.table"
    near = did_you_mean(name, names, f"the tables are {', '.join(names) or 'none'}", most=3)
    raise TableFileError(f"no table {name!r}: expected {expected}{near}")


def json_schema(model: type[BaseModel] = Table, file: str = "schema.json") -> dict[str, Any]:
    """Return the JSON Schema of a table file, or of another `model`, for editors. `file` is the schema's file name."""
    schema = model.model_json_schema()
    for name in ("name", "sql"):
        if schema["properties"].pop(name, None):
            schema["required"].remove(name)
    schema["required"] = [name for name in schema["required"] if name not in _FROM_DEFAULTS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"daybook/tables/{file}",
        **schema,
        "title": schema["description"].split(":")[0].rstrip("."),
    }
