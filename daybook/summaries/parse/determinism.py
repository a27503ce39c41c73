"""Find out if a summary is deterministic: the same inputs always give the same rows."""

from sqlglot import exp

from daybook.summaries.parse.lineage import Lineage

_VOLATILE = (
    *(exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtime, exp.Localtimestamp),
    *(exp.Rand, exp.Randn, exp.Uuid, exp.TableSample),
)
_VOLATILE_TEXTS = frozenset({"now", "today", "tomorrow", "yesterday"})


def is_repeatable(lineage: Lineage, volatile_functions: frozenset[str]) -> bool:
    """Return True if the SELECT uses no clock and no random values, so the same inputs give the same rows.

    `volatile_functions` are the warehouse's functions that use them and that sqlglot does not know.
    """
    return not any(_is_volatile(node, volatile_functions) for node in lineage.tree.walk())


def _is_volatile(node: exp.Expr, functions: frozenset[str]) -> bool:
    if isinstance(node, _VOLATILE):
        return True
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in functions
    if isinstance(node, exp.Column):  # SYSDATE is written without brackets
        return not node.table and isinstance(node.this, exp.Identifier) and node.name.lower() == "sysdate"
    return (
        isinstance(node, exp.Cast)
        and isinstance(node.this, exp.Literal)
        and node.name.strip().lower() in _VOLATILE_TEXTS
    )
