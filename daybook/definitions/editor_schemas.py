"""The JSON Schemas of group files and of the project's file, which have fields of table files without requiring any."""

from typing import Any

from pydantic import BaseModel

from daybook.definitions.defaults import FOR_SUMMARIES, FOR_TABLES
from daybook.definitions.project_file import ProjectFile
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.table_groups.group_file import GroupSource, TableGroup
from daybook.sources.registry import KINDS, find_kind, kind_names

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: The fields of a source that a group file has for each table, in its list.
_OF_ONE_TABLE = ("table", "query")


def group_schema(file: str) -> dict[str, Any]:
    """Return the JSON Schema of a group file. `file` is the schema's file name."""
    return _Builder(TableGroup, file).group()


def project_schema(file: str) -> dict[str, Any]:
    """Return the JSON Schema of `daybook.yaml`. `file` is the schema's file name."""
    return _Builder(ProjectFile, file).project()


class _Builder:
    """Builds one schema. The definitions of all models that it names are in its `$defs`."""

    def __init__(self, model: type[BaseModel], file: str) -> None:
        self._definitions = dict[str, Any]()
        schema = self._of(model)
        self._schema = {"$schema": _DRAFT, "$id": f"daybook/tables/{file}", **schema, "$defs": self._definitions}
        self._schema["title"] = schema["description"].split(":")[0].rstrip(".")

    def group(self) -> dict[str, Any]:
        fields = self._fields("TableFields", FOR_TABLES)
        self._schema["properties"]["defaults"] |= fields
        exceptions = {"anyOf": [fields, {"type": "null"}]}
        self._schema["properties"]["tables"]["additionalProperties"] = exceptions
        source = self._definitions[GroupSource.__name__]
        kind = find_kind(source["properties"]["kind"]["const"])
        assert kind is not None
        others = {name: field for name, field in self._of(kind)["properties"].items() if name not in _OF_ONE_TABLE}
        source |= {"properties": others | source["properties"], "additionalProperties": False}
        return self._schema

    def project(self) -> dict[str, Any]:
        properties = self._schema["properties"]
        properties["defaults"] |= self._fields("Defaults", FOR_TABLES | FOR_SUMMARIES)
        for name in ("sources", "schemas"):
            properties[name]["additionalProperties"] = self._fields("TableFields", FOR_TABLES)
        return self._schema

    def _fields(self, name: str, fields: frozenset[str]) -> dict[str, str]:
        """Define an object with some fields of table files and summary files, and return a reference to it."""
        of_files = self._of(Summary)["properties"] | self._of(Table)["properties"]
        properties = {field: schema for field, schema in of_files.items() if field in fields}
        of_sources = [self._of(kind)["properties"] for kind in reversed(KINDS)]
        merged = {field: schema for source in of_sources for field, schema in source.items()}
        merged["kind"] = {"enum": sorted(name for kind in KINDS for name in kind_names(kind))}
        properties["source"] = {"type": "object", "properties": merged, "additionalProperties": False}
        self._definitions[name] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"$ref": f"#/$defs/{name}"}

    def _of(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the schema of a model. Its definitions go into those of the whole schema."""
        schema = model.model_json_schema()
        self._definitions.update(schema.pop("$defs", {}))
        return schema
