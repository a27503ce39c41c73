"""Texts of binary values, which may be too long for their hex digits: Redshift makes those of 32,767 bytes at most."""

from collections.abc import Callable, Iterable

PIECE = 32_000  # bytes
#: As many as there are in Redshift's longest VARBYTE (1,024,000 bytes); elsewhere the last has all that is left.
_PIECES = 32


def in_pieces(length: str, digits: Callable[[int, int | None], str], joined: Callable[[Iterable[str]], str]) -> str:
    """Return the text of a binary value: its hex digits, or, of a longer one, the MD5s of those of its pieces.

    `length` is the SQL of how many bytes it has, `digits` that of its digits in lower case, from a byte on (the first
    is 0), so many of them or all that are left, and `joined` that of texts one behind the other.
    """
    pieces = [
        f"CASE WHEN {length} > {first} THEN MD5({digits(first, PIECE if number < _PIECES - 1 else None)}) ELSE '' END"
        for number, first in enumerate(range(0, _PIECES * PIECE, PIECE))
    ]
    return f"CASE WHEN {length} > {PIECE} THEN {joined(pieces)} ELSE {digits(0, None)} END"
