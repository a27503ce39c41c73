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


def one_of(names: list[str], description: str, *types: str) -> WithJsonSchema:
    """Return the JSON schema of a name, with `names` as examples.

    They are not an `enum`: Prefect's server stores a deployment's schema, and would refuse a table whose file was added
    after the last deploy. The flow itself checks the name.
    """
    shape = {"anyOf": [{"type": type} for type in types]} if types else {"type": "string"}
    return explained(description, **shape, examples=names)


def some_of(names: list[str], description: str) -> WithJsonSchema:
    """Return the JSON schema of an optional list of names, with `names` as examples, as in `one_of`."""
    return explained(
        description, anyOf=[{"type": "array", "items": {"type": "string", "examples": names}}, {"type": "null"}]
    )
