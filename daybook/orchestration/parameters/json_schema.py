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


def name_of(description: str) -> WithJsonSchema:
    """Return the JSON schema of the name of a table or summary.

    It does not list the names as an `enum`: Prefect's server stores a deployment's schema, and would refuse a table
    whose file was added after the last deploy. The flow itself checks the name.
    """
    return explained(description, type="string")


def names_of(description: str) -> WithJsonSchema:
    """Return the JSON schema of an optional list of such names."""
    return explained(description, anyOf=[{"type": "array", "items": {"type": "string"}}, {"type": "null"}])
