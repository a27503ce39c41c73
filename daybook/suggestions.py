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
    close = get_close_matches(name, list(known), most, cutoff)
    names = [repr(one) for one in dict.fromkeys(shown[one] if shown else one for one in close)]
    if names:
        listed = ", ".join(names[:-1])
        return f"; did you mean {listed}{' or ' if listed else ''}{names[-1]}?"
    return f"; {otherwise}" if otherwise else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to `name`, or None if none is close."""
    return next(iter(get_close_matches(name, list(known), 1)), None)
