"""JSON schemas for flow parameters.

Prefect takes a parameter's description from the flow's docstring, and drops the description of a pydantic `Field`. It
keeps the JSON schemas from this module. So each parameter is described once, for every flow that has it.
"""

from typing import Any

from pydantic import WithJsonSchema

DATES = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
OPTIONAL_DATES = [*DATES, {"type": "null"}]


def explained(description: str, *types: str, **schema: Any) -> WithJsonSchema:
    """Return a parameter's JSON schema with its description. `types` are the JSON types that it may have."""
    choices = {"anyOf": [{"type": type} for type in types]} if types else {}
    return WithJsonSchema({**choices, **schema, "description": description})


def flag(description: str) -> WithJsonSchema:
    """Return the JSON schema of a boolean. `description` says what the flow does if it is true."""
    return explained(description, type="boolean")


#: The key of a schema whose values are names: "tables" or "summaries". The command line accepts them without a schema.
NAMES = "names"


def name_of(description: str, names: str = "tables") -> WithJsonSchema:
    """Return the JSON schema of the name of a table, or of a summary if `names` is "summaries".

    It does not list the names as an `enum`: Prefect's server stores a deployment's schema, and would refuse a table
    whose file was added after the last deploy. The flow itself checks the name.
    """
    return explained(description, type="string", **{NAMES: names})


def names_of(description: str, names: str = "tables") -> WithJsonSchema:
    """Return the JSON schema of an optional list of such names."""
    array = {"type": "array", "items": {"type": "string"}}
    return explained(description, anyOf=[array, {"type": "null"}], **{NAMES: names})
