"""Fields of the files under tables/, as their pydantic models declare them: name, type, default and meaning."""

import json
from typing import Any

from pydantic import BaseModel

from daybook.definitions.deployment_fields import ProjectDeployments
from daybook.definitions.project_file import ProjectFile
from daybook.definitions.schedule import AuditSchedule, Schedule
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.table_groups.group_file import GroupSource, TableGroup
from daybook.definitions.targets.target_settings import TargetSettings
from daybook.model.bounds import Bounds
from daybook.model.checks import AcceptedValues, Check, Fresh, Relationship
from daybook.sources import registry
from daybook.sources.text.value_formats import ValueFormats
from daybook.warehouses.registry import layout_models
from docs.generate import markdown

MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        Table,
        Summary,
        Check,
        Bounds,
        AcceptedValues,
        Relationship,
        Fresh,
        ValueFormats,
        Schedule,
        AuditSchedule,
        ProjectFile,
        ProjectDeployments,
        TargetSettings,
        TableGroup,
        GroupSource,
    )
}
MODELS |= {model.__name__: model for model in layout_models().values()}
SOURCES: dict[str, type[BaseModel]] = {registry.kind_names(kind)[0]: kind for kind in registry.KINDS}
#: Where the page about a model is, for the types that name it.
_PAGES = {
    "Check": "[check](checks.md)",
    "Bounds": "[bounds](checks.md#bounds)",
    "AcceptedValues": "[column and values](checks.md#accepted_values)",
    "Relationship": "[column and target](checks.md#relationship)",
    "Fresh": "[column and age](checks.md#fresh)",
    "ValueFormats": "[formats](#values)",
    "Schedule": "[options](#schedule)",
    "AuditSchedule": "[options](#audit)",
    "ProjectDeployments": "[options](#deployments)",
    "TargetSettings": "[options](#targets)",
    "GroupSource": "[source](#source)",
}
_PAGES |= {model.__name__: f"[options](table-file.md#{field})" for field, model in layout_models().items()}
_WORDS = {"string": "text", "boolean": "true or false", "object": "map", "null": "null"}
_FORMATS = {"date-time": "date with time", "date": "date", "time": "time"}


def table(model: str, *fields: str) -> str:
    """Return the table of the given `fields` of a model, by default of all that a file may have."""
    return _table(MODELS[model], fields)


def source_table(kind: str) -> str:
    """Return the table of the fields of a kind of source, without `kind` itself."""
    model = SOURCES[kind]
    return _table(model, tuple(name for name in model.model_fields if name != "kind"))


def _table(model: type[BaseModel], fields: tuple[str, ...]) -> str:
    schema = model.model_json_schema()
    rows = []
    for name in fields or [field.alias or name for name, field in model.model_fields.items() if not field.exclude]:
        field = schema["properties"][name]
        required = name in schema.get("required", ())
        rows.append(
            (
                markdown.code(name),
                type_of(field),
                "required" if required else _default(field),
                field.get("description", ""),
            )
        )
    return markdown.table(("field", "type", "default", "meaning"), rows)


def type_of(schema: dict[str, Any]) -> str:
    """Return the type of a JSON Schema in words."""
    if "$ref" in schema:
        return _PAGES[schema["$ref"].rpartition("/")[2]]
    if schema.get("title") in _PAGES:
        return _PAGES[schema["title"]]
    if "oneOf" in schema:
        return "[source](#source)"
    if "const" in schema:
        value = schema["const"]
        return markdown.code(value if isinstance(value, str) else json.dumps(value))
    if "enum" in schema:
        return ", ".join(markdown.code(value) for value in schema["enum"] if value is not None)
    if "anyOf" in schema:
        kinds = [type_of(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if isinstance(schema.get("type"), list):
        return "number or date"  # a date of YAML is a text to JSON Schema
    if schema.get("type") == "array":
        return _list(schema)
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return f"map of names to {type_of(schema['additionalProperties'])}"
    word = _FORMATS.get(schema.get("format", "")) or _WORDS.get(schema["type"], schema["type"])
    return word + _limits(schema)


def _list(schema: dict[str, Any]) -> str:
    if "prefixItems" in schema:
        return "list of two values"
    if isinstance(schema["items"].get("type"), list):
        return "list of values"
    return f"list of {type_of(schema['items'])}"


def _limits(schema: dict[str, Any]) -> str:
    if schema.get("maxLength") == 1:
        return ", one character" if schema.get("minLength") else ", at most one character"
    if "maximum" in schema and "minimum" in schema:
        return f", {schema['minimum']:g} to {schema['maximum']:g}"
    if "exclusiveMinimum" in schema:
        return f", greater than {schema['exclusiveMinimum']:g}"
    return f", at least {schema['minimum']:g}" if "minimum" in schema else ""


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default in (None, [], {}) or "$ref" in schema:
        return "–"
    if isinstance(default, str):
        return markdown.code(default or '""')
    return markdown.code(json.dumps(default, ensure_ascii=False))
