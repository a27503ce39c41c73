"""Stop loads with keys that the warehouse cannot tell apart: Redshift ignores blanks at the end of texts.

An upsert of the key `a` would delete the row with the key `a `, and of two such staged rows only one would remain.
"""

from daybook.errors import DuplicateKey
from daybook.model.target import Target
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

_MOST = 3  # keys that the error names


def guard_inexact_keys(session: Session, warehouse: Warehouse, target: Target, staged: str, table: str | None) -> None:
    """Check that no two keys of the staged rows and the table differ only in blanks at their end.

    Args:
        session: the session that has the staged rows.
        warehouse: the warehouse. Nothing is checked if it does not ignore trailing blanks.
        target: the table to load.
        staged: the staged rows, quoted.
        table: the table whose rows remain, quoted. None: all of them are replaced, or there is no such table.

    Raises:
        DuplicateKey: two keys differ only in these blanks.
    """
    texts = {one.name for one in target.columns if one.name in target.key and one.type.kind in ("text", "varchar")}
    if not texts or not warehouse.ignores_trailing_blanks:
        return
    names = {name: warehouse.quote(name) for name in target.key}

    def trimmed(name: str, owner: str = "") -> str:
        return f"rtrim({owner}{names[name]})" if name in texts else f"{owner}{names[name]}"

    rows = f"SELECT {', '.join(names.values())} FROM {staged}"
    if table:
        same = " AND ".join(f"{trimmed(name, f'{table}.')} = {trimmed(name, f'{staged}.')}" for name in names)
        rows += f" UNION ALL SELECT {', '.join(f'{table}.{name}' for name in names.values())} FROM {table} "
        rows += f"JOIN {staged} ON {same}"
    keys = ", ".join(trimmed(name) for name in names)
    differ = " OR ".join(
        f"min(octet_length({names[name]})) <> max(octet_length({names[name]}))" for name in names if name in texts
    )
    found = session.rows(f"SELECT {keys} FROM ({rows}) AS keys GROUP BY {keys} HAVING {differ} LIMIT {_MOST}")
    if found:
        shown = "; ".join(
            ", ".join(f"{name}={value!r}" for name, value in zip(names, key, strict=True)) for key in found
        )
        raise DuplicateKey(
            f"{target.name}: {warehouse.title} ignores blanks at the end of texts, so it cannot tell some keys apart, "
            f"with and without them: {shown}. Remove the blanks at the source and load the table with full_refresh, or "
            "correct key: in the table file"
        )
