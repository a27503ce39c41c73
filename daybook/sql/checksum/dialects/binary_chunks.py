"""Texts of binary values. Long ones are hashed in pieces, because Redshift's TO_HEX takes at most 32,767 bytes."""

from collections.abc import Callable, Iterable

PIECE = 32_000  # bytes
#: The number of pieces in Redshift's longest VARBYTE (1,024,000 bytes). Elsewhere, the last piece has the whole rest.
_PIECES = 32


def in_pieces(
    length: str,
    digits: Callable[[int, int | None], str],
    digest: Callable[[str], str],
    joined: Callable[[Iterable[str]], str],
) -> str:
    """Return the SQL of a binary value's text: its hex digits or, above PIECE bytes, the digests of its pieces.

    Args:
        length: the SQL of the value's length in bytes.
        digits: returns the SQL of the hex digits, in lower case. Takes the first byte, counted from 0, and the number
            of bytes; None for the whole rest.
        digest: returns the SQL of the digest of a text.
        joined: returns the SQL that concatenates texts.
    """

    def piece(number: int) -> str:
        first, size = number * PIECE, PIECE if number < _PIECES - 1 else None
        return f"CASE WHEN {length} > {first} THEN {digest(digits(first, size))} ELSE '' END"

    return f"CASE WHEN {length} > {PIECE} THEN {joined(map(piece, range(_PIECES)))} ELSE {digits(0, None)} END"
