"""Parts of other pages: the fields of a source, types, variables of blocks, the tree of errors."""

import importlib

from daybook import errors
from daybook.model.types import ALIASES, KINDS, TIMES
from daybook.orchestration.blocks.command import variables_table
from daybook.orchestration.blocks.registry import declared_blocks
from docs.generate import markdown
from docs.generate.fields import source_table as section

__all__ = ["blocks", "error_tree", "section", "types"]

#: The values of each type, in the order of the page. A type without an entry is an error.
_TYPES = {
    "boolean": "true and false",
    "smallint": "integers of 16 bits",
    "integer": "integers of 32 bits",
    "bigint": "integers of 64 bits",
    "decimal": "exact numbers with up to DIGITS digits, SCALE of them after the point",
    "real": "floating-point numbers of 32 bits",
    "double": "floating-point numbers of 64 bits",
    "text": "text of any length",
    "varchar": "text of at most LENGTH characters",
    "char": "text of LENGTH characters; trailing blanks do not count",
    "date": "dates",
    "time": "times of day, with FRACTION digits of a second (default 6)",
    "timetz": "times of day with an offset",
    "timestamp": "dates with a time, without a zone",
    "timestamptz": "instants",
    "interval": "spans of time",
    "bytes": "binary data",
    "json": "JSON, as its text",
    "jsonb": "JSON, as its value",
    "uuid": "UUIDs",
}


def blocks() -> str:
    """Return the table of the variables from which blocks are made."""
    return variables_table(declared_blocks(importlib.import_module("daybook.blocks")))


def error_tree() -> str:
    """Return the tree of the errors, as the docstring of their module draws it."""
    assert errors.__doc__
    return "```\n" + errors.__doc__.split("\n\n", 1)[1].strip() + "\n```"


def types() -> str:
    """Return the table of the types that a table file may declare, with their other names."""
    others = {kind: [name for name, meant in ALIASES.items() if meant == kind] for kind in KINDS - {"native"}}
    rows = [
        (
            markdown.code(kind + _sizes(kind)),
            ", ".join(markdown.code(name) for name in others[kind]) or "–",
            _TYPES[kind],
        )
        for kind in sorted(others, key=list(_TYPES).index)
    ]
    return markdown.table(("type", "other names", "values"), rows)


def _sizes(kind: str) -> str:
    if kind == "decimal":
        return "(DIGITS, SCALE)"
    return "(LENGTH)" if kind in ("varchar", "char") else "(FRACTION)" if kind in TIMES else ""
