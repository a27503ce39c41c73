"""Suggest names for misspelt ones, to append to an error about a name that does not exist."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


def did_you_mean(
    name: str,
    known: Iterable[str],
    otherwise: str = "",
    *,
    most: int = 1,
    cutoff: float = 0.6,
    shown: Mapping[str, str] | None = None,
) -> str:
    """Return `; did you mean 'x'?`, to append to an error, or `; <otherwise>` if no known name is close.

    Args:
        name: the name that does not exist.
        known: the names that exist.
        otherwise: the remedy if no name is close. If it is empty, the result is empty, too.
        most: the maximum number of names to suggest.
        cutoff: how close a name must be, from 0 (any name) to 1 (only the same name).
        shown: the text to print for each of `known`, if it differs, as for names in lower case.
    """
    known = list(known)
    close = [one for one in known if one.partition(".")[2] == name]
    close = close or get_close_matches(name, known, most, cutoff) or _with_another_schema(name, known, most, cutoff)
    names = [repr(one) for one in dict.fromkeys(shown[one] if shown else one for one in close)]
    if names:
        listed = ", ".join(names[:-1])
        return f"; did you mean {listed}{' or ' if listed else ''}{names[-1]}?"
    return f"; {otherwise}" if otherwise else ""


def in_full(name: str, known: Iterable[str]) -> str:
    """Return the one known `schema.table` whose table is `name`. Return `name` itself if there is none, or several."""
    matches = [one for one in known if one.partition(".")[2] == name]
    return matches[0] if len(matches) == 1 else name


def _with_another_schema(name: str, known: Iterable[str], most: int, cutoff: float) -> list[str]:
    """Return the known names, as `schema.table`, whose table has a name close to that of `name`."""
    tables: dict[str, list[str]] = {}
    for one in known:
        if "." in one:
            tables.setdefault(one.partition(".")[2], []).append(one)
    close = get_close_matches(name.partition(".")[2] or name, list(tables), most, max(cutoff, 0.6))
    return [one for table in close for one in tables[table]]


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to `name`, or None if none is close."""
    return next(iter(get_close_matches(name, list(known), 1)), None)
