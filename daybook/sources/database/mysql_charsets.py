"""Find values of MySQL and MariaDB whose bytes have no Unicode text.

The server stores any byte in a column of a legacy character set. If the byte has no Unicode character, the server
converts it to `?` without an error: 0x98 in cp1251, for example. It converts some bytes of tis620 and big5 to U+FFFD,
and half of a surrogate pair, which ucs2 and utf32 allow, to bytes that are not UTF-8 (MariaDB) or to nothing (MySQL).
"""

#: Character sets in which each value that the server stores has its own Unicode text: a check would only cost time.
_COMPLETE = {"binary", "utf8mb4", "utf8mb3", "utf8", "utf16", "utf16le", "latin1", "latin2", "latin5", "latin7"} | {
    *("armscii8", "cp850", "cp852", "cp866", "keybcs2", "koi8r", "koi8u", "macce", "macroman")
}


def unmapped_sql(column: str, charset: str | None) -> str | None:
    """Return the SQL condition that a value has no Unicode text, or None if all values of `charset` have one.

    The condition is NULL for NULL. `column` is quoted, and `charset` is its character set in the catalog.
    """
    if charset is None or charset in _COMPLETE:
        return None
    text, stored = f"CONVERT({column} USING utf8mb4)", f"CONVERT({column} USING binary)"
    encoded = f"CONVERT({text} USING binary)"
    replaced = f"LOCATE(X'EFBFBD', {encoded})"
    match charset:
        case "ascii":
            return f"({encoded} <> {stored})"
        case "ucs2" | "utf32":  # utf16 has no code for half of a pair
            return f"(CONVERT(CONVERT(CONVERT({text} USING utf16) USING {charset}) USING binary) <> {stored})"
        case "tis620":
            return f"({replaced} > 0)"
    # Some values that have a text do not survive the way back, because two codes are one character. Then count the `?`.
    lost = (
        f"(CONVERT(CONVERT({text} USING {charset}) USING binary) <> {stored} "
        f"AND CHAR_LENGTH(REPLACE({text}, '?', '')) <> CHAR_LENGTH(REPLACE({column}, '?', '')))"
    )
    return f"({lost} OR {replaced} > 0)" if charset == "big5" else lost


def reason_sql(column: str, charset: str, masked: bool) -> str:
    """Return the SQL of the reason why a value cannot be sent, with the hex digits of its start unless it is masked."""
    shown = "" if masked else f", HEX(LEFT({column}, 20))"
    start = "" if masked else ", which starts with the bytes 0x"
    return f"CONCAT('a value of the character set {charset} without Unicode text{start}'{shown})"
