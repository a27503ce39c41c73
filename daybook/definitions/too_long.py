"""Check `too_long` of a table file: what a load does with values that are too long for their column."""

from daybook.model.table_spec import TableSpec, TooLong
from daybook.suggestions import did_you_mean

#: The kinds of columns that can be shortened, and those whose values can only be left out: cut JSON is not JSON, and
#: neither is a cut array an array.
SHORTENED = frozenset({"text", "varchar", "char"})
LEFT_OUT = frozenset({"json", "jsonb", "native"})


def check_too_long(table: TableSpec) -> None:
    """Check `too_long` of a table file.

    Raises:
        ValueError: it names the key, the cursor or the flag of deleted rows, a column that is not among `columns:` or
            that is masked, or one whose declared type cannot be shortened.
    """
    for name, policy in table.too_long.items():
        if policy == "fail":
            continue
        if name in table.named:
            raise ValueError(
                f"too_long: {name} is the key, the cursor or the flag of deleted rows, and loads need its exact "
                "values; remove it there"
            )
        if name in table.mask:
            raise ValueError(f"too_long: {name} is masked, so no value is too long; remove it there")
        if table.declared_types is None:
            continue
        if name not in table.declared_types:
            raise ValueError(
                f"too_long has {name!r}, which is not among columns{did_you_mean(name, table.declared_types)}"
            )
        if problem := unfit(policy, table.declared_types[name].kind):
            raise ValueError(f"too_long: columns declares {name} as {table.declared_types[name]}, {problem}")


def unfit(policy: TooLong, kind: str) -> str | None:
    """Return the reason why a policy does not fit a kind of column, and the remedy; None if it fits."""
    if kind in SHORTENED or (kind in LEFT_OUT and policy == "null"):
        return None
    if kind in LEFT_OUT:
        part = "such a value has no meaning" if kind == "native" else "a JSON value is not JSON"
        return f"and a part of {part}; use null"
    return "and only texts, JSON and types without a name in Daybook can be too long; remove it there"
