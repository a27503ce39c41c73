"""Show the expected rows next to the rows found, so that missing and wrong rows are easy to see."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]

_CLOSE = 1e-9  # relative tolerance of a float: its last digits depend on the order in which a warehouse adds
_ROWS_SHOWN = 20  # rows of each kind


def differences(expected: Sequence[Row], found: Sequence[Row], ordered: bool) -> str | None:
    """Return the differences between the expected rows and those found, as lines of text. None: no differences.

    A row is compared in the columns that the expected row names. Without `ordered`, the order of the rows does not
    matter, but the number of equal rows does.
    """
    taken = _matched(expected, found)
    missing = [row for number, row in enumerate(expected) if number not in taken.values()]
    unexpected = [row for number, row in enumerate(found) if number not in taken]
    if missing or unexpected:
        right = len(expected) - len(missing)
        summary = f"rows expected: {len(expected)}, rows returned: {len(found)}, rows that match: {right}"
        return f"{summary}\n{_side_by_side(missing, unexpected)}"
    for number, (row, other) in enumerate(zip(expected, found, strict=True), 1) if ordered else ():
        if differing := _differing(row, other):
            lines = [("expected", row, ""), ("found", other, _marks(differing))]
            return f"all rows match, but their order differs from row {number} on:\n{_table(lines)}"
    return None


def _matched(expected: Sequence[Row], found: Sequence[Row]) -> dict[int, int]:
    """Match found rows (by number) with expected rows. Augmenting paths find the largest number of pairs.

    Greedy matching is not enough: an expected row that names few columns can equal several of the rows found.
    """
    alike = [[n for n, other in enumerate(found) if not _differing(row, other)] for row in expected]
    taken = dict[int, int]()

    def find(row: int, seen: set[int]) -> bool:
        for other in alike[row]:
            if other not in seen:
                seen.add(other)
                if other not in taken or find(taken[other], seen):
                    taken[other] = row
                    return True
        return False

    for row in range(len(expected)):
        find(row, set())
    return taken


def same(expected: Any, found: Any) -> bool:
    """Return True if a value from the warehouse equals the value in the case.

    Numbers are compared by value (12.50 equals 12.5), and floats to nine digits. A date equals the timestamp of its
    midnight. A timestamp without a time zone is in UTC. Values without a YAML type, such as a time of day, are compared
    as text.
    """
    if expected is None or found is None:
        return expected is found
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float | Decimal) or isinstance(found, int | float | Decimal):
        return _same_number(expected, found)
    if isinstance(expected, date) and isinstance(found, date):
        return _moment(expected) == _moment(found)
    return bool(expected == found) if isinstance(found, str) else str(expected) == str(found)


def _same_number(expected: Any, found: Any) -> bool:
    if not (isinstance(expected, int | float | Decimal) and isinstance(found, int | float | Decimal)):
        return False
    if isinstance(found, float) or isinstance(expected, float):
        one, other = float(expected), float(found)
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=_CLOSE)
    number = Decimal(found)
    return Decimal(expected).is_nan() if number.is_nan() else Decimal(expected) == number


def _moment(value: date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _differing(expected: Row, found: Row) -> list[str]:
    return [name for name, value in expected.items() if not same(value, found[name])]


def _side_by_side(missing: list[Row], unexpected: list[Row]) -> str:
    """Return the pairs of similar rows, then the missing rows, then the unexpected ones."""
    lines, left = list[tuple[str, Row, str]](), list[Row]()
    for row in missing:
        near = min(unexpected, key=lambda other: len(_differing(row, other)), default=None)
        differing = _differing(row, near) if near is not None else []
        if near is None or (len(differing) == len(row) and not len(missing) == len(unexpected) == 1):
            left.append(row)
            continue
        unexpected.remove(near)
        lines += [("expected", row, ""), ("found", near, _marks(differing))]
    lines = lines[: 2 * _ROWS_SHOWN] + _some("missing", left) + _some("unexpected", unexpected)
    return _table(lines)


def _some(label: str, rows: list[Row]) -> list[tuple[str, Row, str]]:
    more = f"… and {len(rows) - _ROWS_SHOWN} more" if len(rows) > _ROWS_SHOWN else ""
    return [(label, row, more if number == _ROWS_SHOWN else "") for number, row in enumerate(rows[:_ROWS_SHOWN], 1)]


def _marks(differing: Sequence[str]) -> str:
    return f"← {', '.join(differing)}"


def _table(lines: Sequence[tuple[str, Row, str]]) -> str:
    names = list(dict.fromkeys(name for _, row, _ in lines for name in row))
    cells = [["", *names, ""]]
    cells += [
        [label, *(_shown(row[name]) if name in row else "" for name in names), mark] for label, row, mark in lines
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _shown(value: Any) -> str:
    """Return a value in SQL notation, so that the text '1' does not look like the number 1."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, str) else str(value)
