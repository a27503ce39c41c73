"""Group files: `tables/shop.yaml` describes all tables of a source that match a pattern.

The tables that match are only known to the source. `daybook describe --refresh tables/shop.yaml` writes them, with a
proposal each, into `tables/shop.tables.yaml`, so that everything else works without a connection.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from daybook.errors import TableFileError
from daybook.model.checks import Names
from daybook.suggestions import did_you_mean
from daybook.yaml_model import Layer, Strict, build, once_per_change, read_layer

#: The ending of the file with the tables that were found.
FOUND = ".tables.yaml"


class GroupSource(Strict):
    """The tables of a database that match a pattern. Other fields are those of `kind: database`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Literal["database"]
    block: str = Field("production", description="The SqlAlchemyConnector block with the credentials.")
    tables: Names = Field(min_length=1, description="The tables: 'shop.*', or a list of patterns.")
    exclude: Names = Field((), description="The tables to leave out: 'tmp_*', or 'shop.tmp_*'.")


class TableGroup(Strict):
    """Many tables of one source, with common fields and exceptions."""

    source: GroupSource = Field(description="Where the rows come from.")
    in_schema: str = Field("raw_data", alias="schema", description="The schema in the warehouse.")
    defaults: dict[str, Any] = Field({}, description="Fields of table files that apply to every table of the group.")
    tables: dict[str, dict[str, Any] | None] = Field(
        {}, description="Exceptions, by the name of the table in the warehouse: fields of table files."
    )


class FoundTables(Strict):
    """The tables that were found: `tables/shop.tables.yaml`."""

    tables: dict[str, dict[str, Any]] = Field(description="The proposed fields, by the name in the warehouse.")


def is_group(path: Path) -> bool:
    """Return True if a file directly in `tables/` is a group file, or the list of one."""
    if path.suffix != ".yaml" or path.name == "owners.yaml":
        return False
    if path.name.endswith(FOUND):
        return True
    try:
        return _has_group(path)
    except (TableFileError, OSError):
        return False


@once_per_change
def _has_group(path: Path) -> bool:
    source = read_layer(path, TableGroup).fields.get("source")
    return isinstance(source, Mapping) and "tables" in source


def group_paths(folder: Path) -> list[Path]:
    """Return the group files of a folder of table files, sorted."""
    return sorted(path for path in folder.glob("*.yaml") if is_group(path) and not path.name.endswith(FOUND))


@once_per_change
def read_group(path: Path) -> TableGroup:
    """Return the group in the file at `path`. Do not change it: the same file is read only once.

    Raises:
        TableFileError: the file is invalid.
    """
    return build([read_layer(path, TableGroup)], TableGroup)


def found_path(path: Path) -> Path:
    """Return the path of the list of the tables of a group: shop.tables.yaml of shop.yaml."""
    return path.with_name(path.stem + FOUND)


def read_found(path: Path) -> dict[str, dict[str, Any]]:
    """Return the tables that were found for the group file at `path`, by their names in the warehouse.

    Do not change them: the same file is read only once.

    Raises:
        TableFileError: nothing was found yet, or the list is invalid. The message has the command that writes it.
    """
    found = found_path(path)
    if not found.is_file():
        raise TableFileError(
            f"{path}: its tables are not listed yet: {found} is missing. Run daybook describe --refresh {path}, and "
            f"commit {found.name}"
        )
    return _read_found(found)


@once_per_change
def _read_found(found: Path) -> dict[str, dict[str, Any]]:
    return build([read_layer(found, FoundTables)], FoundTables).tables


def names_in_groups(folder: Path) -> list[str]:
    """Return the tables of all valid groups, as `schema.table`."""
    names = []
    for path in group_paths(folder):
        try:
            schema = read_group(path).in_schema
            names += [f"{schema}.{name}" for name in read_found(path)]
        except TableFileError:  # `group_problems` has it
            continue
    return names


def group_of(name: str, folder: Path) -> Path | None:
    """Return the group file whose list has the table `name` (`schema.table`), or None. Invalid groups are left out."""
    schema, _, table = name.partition(".")
    for path in group_paths(folder):
        try:
            if read_group(path).in_schema == schema and table in read_found(path):
                return path
        except TableFileError:  # `group_problems` has it
            continue
    return None


def group_layers(name: str, folder: Path) -> list[Layer] | None:
    """Return the fields of the table `name` from its group: source, proposal, defaults and exceptions, weakest first.

    Return None if no group has the table.

    Raises:
        TableFileError: the group of this schema is invalid, or its tables are not listed yet.
    """
    schema, _, table = name.partition(".")
    problems = []
    for path in group_paths(folder):
        try:
            group = read_group(path)
            if group.in_schema != schema:
                continue
            found = read_found(path)
        except TableFileError as error:
            problems.append(error)
            continue
        if table in found:
            return list(_layers(path, group, table, found[table]))
    if problems:
        raise problems[0]
    return None


def new_table_layers(path: Path, table: str) -> list[Layer]:
    """Return the fields of a table that the list of the group file at `path` may not have yet, without its proposal."""
    return list(_layers(path, read_group(path), table, {}))


def _layers(path: Path, group: TableGroup, table: str, proposed: Mapping[str, Any]) -> Iterator[Layer]:
    source = {"table": proposed.get("table", table)}
    for field, value in {"kind": group.source.kind, "block": group.source.block}.items():
        source[field] = value
    source |= group.source.model_extra or {}
    name = source["table"] if isinstance(source["table"], str) else ".".join(source["table"])
    fields = {field: value for field, value in proposed.items() if field != "table"}
    yield Layer(str(path), {"source": source})
    yield Layer(f"{found_path(path)}: tables.{table}", {"description": f"Rows of {name}.", **fields})
    yield Layer(f"{path}: defaults", group.defaults)
    yield Layer(f"{path}: tables.{table}", group.tables.get(table) or {})


def group_problems(folder: Path) -> list[TableFileError]:
    """Return what is wrong with the groups: an invalid file, tables that are not listed, an exception for no table."""
    problems, owners = list[TableFileError](), dict[str, Path]()
    for path in group_paths(folder):
        try:
            group, found = read_group(path), read_found(path)
        except TableFileError as error:
            problems.append(error)
            continue
        for name in group.tables:
            if name not in found and not (folder / group.in_schema / f"{name}.yaml").exists():
                near = did_you_mean(name, found, f"if it is new, run daybook describe --refresh {path}")
                problems.append(
                    TableFileError(f"{path}: tables.{name}: {found_path(path).name} has no such table{near}")
                )
        for name in found:
            full = f"{group.in_schema}.{name}"
            if (other := owners.setdefault(full, path)) != path:
                text = f"{found_path(path)}: tables.{name}: {other} has {full} already. Exclude it in one of the two"
                problems.append(TableFileError(text))
    return problems
