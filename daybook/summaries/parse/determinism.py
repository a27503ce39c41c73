"""Whether a summary gives the same rows whenever it is asked, as long as what it reads is the same."""

from sqlglot import exp

from daybook.summaries.parse.lineage import Lineage

_FLEETING = (
    *(exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtime, exp.Localtimestamp),
    *(exp.Rand, exp.Randn, exp.Uuid, exp.TableSample),
)
_FLEETING_NAMES = frozenset(
    [
        "now",
        "getdate",
        "sysdate",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "timeofday",
        "random",
        "random_normal",
        "setseed",
        "rand",
        "gen_random_uuid",
        "uuid_generate_v1",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
        "nextval",
        "txid_current",
        "pg_current_xact_id",
    ]
)
_FLEETING_TEXTS = frozenset({"now", "today", "tomorrow", "yesterday"})


def is_repeatable(lineage: Lineage) -> bool:
    """Whether the same inputs always give the same rows: it asks neither the clock nor chance."""
    return not any(_is_fleeting(node) for node in lineage.tree.walk())


def _is_fleeting(node: exp.Expr) -> bool:
    if isinstance(node, _FLEETING):
        return True
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _FLEETING_NAMES
    if isinstance(node, exp.Column):  # SYSDATE is written without brackets
        return not node.table and isinstance(node.this, exp.Identifier) and node.name.lower() == "sysdate"
    return (
        isinstance(node, exp.Cast)
        and isinstance(node.this, exp.Literal)
        and node.name.strip().lower() in _FLEETING_TEXTS
    )
