"""Compare the fields of two versions of a table or summary, with the defaults and groups of their projects."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from difflib import unified_diff
from typing import Any

from daybook.definitions.schedule import duration_text
from daybook.definitions.summary import Summary
from daybook.diff.diff_report import FieldChange
from daybook.model.dataset import Dataset

#: Fields whose change makes the rows of loaded intervals wrong, which a load of the same intervals corrects.
_IN_PLACE = ("mask", "columns", "too_long", "source.zero_dates")
#: Fields whose change also moves rows to other intervals, or leaves rows that no load of intervals removes.
_WHOLE = ("source", "key", "cursor", "interval", "timezone", "deleted", "on_delete")
#: Fields of a source that do not decide its rows.
_HARMLESS = ("source.replica",)
_LONGEST = 300  # characters of a value


def field_changes(before: Dataset | None, after: Dataset | None) -> list[FieldChange]:
    """Return the fields that differ, by name. A field with parts, such as `source.where`, is compared by its parts."""
    old, new = _flat(before), _flat(after)
    changes = list[FieldChange]()
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        if isinstance(one, list) or isinstance(other, list):
            gone, added = ([item for item in a or () if item not in (b or ())] for a, b in ((one, other), (other, one)))
            changes += [FieldChange(name, item, None) for item in gone]
            changes += [FieldChange(name, None, item) for item in added]
        elif one != other:
            changes.append(FieldChange(name, one, other))
    return changes


def reload_reasons(changes: Sequence[FieldChange]) -> tuple[list[str], list[str]]:
    """Return the changed fields that force a reload: those that a load of the same intervals corrects, and the others.

    `load` forces none: by each strategy, the loaded rows are those of the source.
    """
    names = [one.field for one in changes if one.field not in _HARMLESS]
    in_place = [name for name in names if _is_of(name, _IN_PLACE)]
    whole = [name for name in names if _is_of(name, _WHOLE) and name not in in_place]
    return in_place, whole


def _is_of(name: str, fields: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in fields)


def _flat(dataset: Dataset | None) -> dict[str, Any]:
    """Return the fields with a value by name, as text. A list of models is a list of texts."""
    if dataset is None:
        return {}
    found = dict(_parts("", dataset.model_dump(exclude={"name"})))
    if isinstance(dataset, Summary):
        found["SELECT"] = dataset.sql.strip()
    return found


def _parts(prefix: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _parts(f"{prefix}{name}.", value)
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            yield f"{prefix}{name}", [_shown({key: one for key, one in item.items() if one}) for item in value]
        elif value is not None and value != () and value != [] and value is not False:
            yield f"{prefix}{name}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.timetz() == time():
        return str(value.date())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def is_text(change: FieldChange) -> bool:
    """Return True if the values are SQL, or have several lines: people compare them line by line."""
    return change.field in ("SELECT", "source.query") or any(
        "\n" in (one or "") for one in (change.before, change.after)
    )


def line_changes(change: FieldChange) -> list[str]:
    """Return the lines that differ, with + or -, and some lines around them."""
    before, after = ((text or "").splitlines() for text in (change.before, change.after))
    return [line for line in unified_diff(before, after, lineterm="") if not line.startswith(("---", "+++"))]


def shortened(text: str | None) -> str:
    """Return a value for people: on one line, and not too long. `none` stands for None."""
    if text is None:
        return "none"
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
