"""Texts of every character set of MySQL and MariaDB arrive exactly, or the load fails and names the value."""

import pymysql
import pytest

from daybook.definitions.table import Table
from daybook.errors import ValueRefused
from daybook.sources.database.mysql_charsets import unmapped_sql
from tests.support.audited_tables import FIRST, audited
from tests.support.checksum_sums import sums
from tests.support.source_and_warehouse import Database, Endpoints

pytestmark = pytest.mark.any_warehouse

#: Bytes without a Unicode character, by character set.
UNMAPPED = [
    ("cp1251", "98"),
    ("cp1250", "81"),
    ("cp1256", "FF"),
    ("cp1257", "A1"),
    ("greek", "D2"),
    ("hebrew", "BF"),
    ("tis620", "FF"),
    ("ascii", "80"),
    ("swe7", "7F"),
    ("sjis", "81AD"),
    ("cp932", "81AD"),
    ("ujis", "8FA1A1"),
    ("eucjpms", "A2AF"),
    ("euckr", "A2E8"),
    ("gb2312", "A2A1"),
    ("gbk", "A140"),
    ("big5", "A3C0"),
    ("big5", "A15A"),
    ("ucs2", "D800"),
    ("utf32", "0000DC00"),
]
#: Good values that the check must let pass: `?` itself, and characters with two codes, so that one does not survive
#: the conversion to Unicode and back.
MAPPED = [
    ("cp1251", "3F", "?"),
    ("cp1251", "CFF0E83F", "При?"),
    ("armscii8", "A4", ")"),
    ("cp932", "FA54", "￢"),
    ("sjis", "5C", "\\"),
    ("eucjpms", "ADE2", "№"),
    ("big5", "A440", "一"),
    ("tis620", "A1", "ก"),
    ("ucs2", "FFFD", "\ufffd"),
    ("utf16", "D83DDE00", "😀"),
    ("utf32", "0001F600", "😀"),
]
#: Oracle's MySQL does not store these values: strict mode refuses them, and otherwise it stores what comes before them.
NOT_STORED = {("ascii", "80"), ("utf32", "0000DC00"), ("utf8mb4", "EDA080"), ("utf8mb3", "EDA080")}
#: Python's codecs of the character sets of Unicode.
UNICODE = {
    **dict.fromkeys(["utf8mb3", "utf8mb4"], "utf-8"),
    **dict.fromkeys(["ucs2", "utf16"], "utf-16-be"),
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
}


def make(ends: Endpoints, charset: str, kind: str = "varchar(40)") -> None:
    ends.source.run(
        f"CREATE TABLE things (id int PRIMARY KEY, at datetime, value {kind} CHARACTER SET {charset}, KEY (at))"
    )
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05', 'a?'), (2, '2021-02-05', NULL)")


def put(ends: Endpoints, number: int, digits: str) -> None:
    ends.source.run(f"INSERT INTO things VALUES ({number}, '2021-02-05', X'{digits}')")


def is_stored(ends: Endpoints, charset: str, digits: str) -> bool:
    """Return False if the server does not store the value. Then check that the rest of the value arrives."""
    if ends.source.is_mariadb or (charset, digits) not in NOT_STORED:
        return True
    put(ends, 3, digits)
    with pytest.raises(pymysql.err.DataError, match="Incorrect string value"):
        ends.source.insert("things", [(4, "2021-02-05", bytes.fromhex(digits))])
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    assert [row[0] for row in ends.rows(table, "value", "id")] == ["a?", None, ""]
    return False


def table_of(ends: Endpoints, **fields: object) -> Table:
    return ends.table(load="upsert", key=["id"], cursor="at", interval="day", start=FIRST.date(), **fields)


@pytest.mark.each_value
@pytest.mark.parametrize(("charset", "digits"), UNMAPPED)
def test_a_value_without_text_is_refused(from_mysql: Endpoints, charset: str, digits: str) -> None:
    make(from_mysql, charset)
    if not is_stored(from_mysql, charset, digits):
        return
    table = table_of(from_mysql)
    from_mysql.load(table, "2021-02-05")
    put(from_mysql, 3, digits)
    before = from_mysql.state(table)
    with pytest.raises(ValueRefused) as caught:
        from_mysql.load(table, "2021-02-05")
    for part in (table.name, "column 'value'", "id = '3'", charset, f"0x{digits}", "Correct the row in the source"):
        assert part in str(caught.value)
    assert from_mysql.state(table) == before


@pytest.mark.parametrize("kind", ["mediumtext", "char(9)"])
def test_other_types(from_mysql: Endpoints, kind: str) -> None:
    make(from_mysql, "cp1251", kind)
    put(from_mysql, 3, "6198")
    with pytest.raises(ValueRefused, match="column 'value' of row id = '3'"):
        from_mysql.load(table_of(from_mysql), "2021-02-05")


@pytest.mark.parametrize("kind", ["enum('a?', 'Ω')", "set('a?', 'Ω')"])
def test_an_enum_arrives(from_mysql: Endpoints, kind: str) -> None:
    make(from_mysql, "greek", kind)
    put(from_mysql, 3, "D9")
    table = table_of(from_mysql)
    from_mysql.load(table, "2021-02-05")
    assert [row[0] for row in from_mysql.rows(table, "value", "id")] == ["a?", None, "Ω"]


def test_a_row_without_a_key(from_mysql: Endpoints) -> None:
    make(from_mysql, "cp1251")
    put(from_mysql, 3, "98")
    with pytest.raises(ValueRefused, match="column 'value' of row number 3 of the run"):
        from_mysql.load(from_mysql.table())


def test_a_key_without_text(from_mysql: Endpoints) -> None:
    make(from_mysql, "cp1251")
    put(from_mysql, 3, "98")
    with pytest.raises(ValueRefused, match=r"column 'value' of row value = '.*0x98'"):
        from_mysql.load(from_mysql.table(key=["value"], columns={"value": "varchar(40)"}))


def test_a_hash_of_it_is_refused(from_mysql: Endpoints) -> None:
    make(from_mysql, "cp1251")
    table = table_of(from_mysql, mask={"value": "hash"})
    from_mysql.load(table, "2021-02-05")
    put(from_mysql, 3, "4198")
    with pytest.raises(ValueRefused, match="column 'value' of row id = '3'") as caught:
        from_mysql.load(table, "2021-02-05")
    assert "4198" not in str(caught.value), "a masked value is in no message"


@pytest.mark.parametrize("mask", [{}, {"value": "hash"}])
def test_the_audit_finds_it(from_mysql: Endpoints, mask: dict[str, str]) -> None:
    """An earlier version loaded `?`."""
    make(from_mysql, "cp1251")
    put(from_mysql, 3, "3F")
    table = table_of(from_mysql, mask=mask)
    from_mysql.load(table, "2021-02-05")
    assert [str(found.verdict) for found in audited(from_mysql, table, 1)] == ["equal"]
    from_mysql.source.run("UPDATE things SET value = X'98' WHERE id = 3")
    assert [str(found.verdict) for found in audited(from_mysql, table, 1)] == ["source changed since"]


@pytest.mark.each_value
@pytest.mark.parametrize(("charset", "digits", "text"), MAPPED)
def test_a_value_with_text_arrives(from_mysql: Endpoints, charset: str, digits: str, text: str) -> None:
    make(from_mysql, charset)
    put(from_mysql, 3, digits)
    table = table_of(from_mysql)
    from_mysql.load(table, "2021-02-05")
    assert [row[0] for row in from_mysql.rows(table, "value", "id")] == ["a?", None, text]
    found = sums(from_mysql, table)
    assert found.source == found.warehouse


@pytest.mark.parametrize("kind", ["utf8mb4", "utf8mb3"])
def test_half_of_a_surrogate_pair_in_utf8(from_mysql: Endpoints, kind: str) -> None:
    """MariaDB stores it. The warehouse refuses it, and the error names the column."""
    make(from_mysql, kind)
    if not is_stored(from_mysql, kind, "EDA080"):
        return
    put(from_mysql, 3, "EDA080")
    with pytest.raises(ValueRefused, match="id=3, column value"):
        from_mysql.load(table_of(from_mysql), "2021-02-05")


@pytest.mark.full
def test_the_condition_finds_each_unmapped_byte(mysql_source: Database) -> None:
    """Each code of one or two bytes in each character set of the server is converted exactly, or is found."""
    run = mysql_source.run
    run("CREATE TABLE codes (code varbinary(4))")
    codes = [bytes([code]) for code in range(256)] + [code.to_bytes(2) for code in range(0x8100, 0x10000)]
    mysql_source.insert("codes", [(code,) for code in codes])
    for charset, longest in run("SELECT character_set_name, maxlen FROM information_schema.character_sets"):
        if charset == "binary":
            continue
        run(f"CREATE TABLE `{charset}` (code varbinary(4), value varchar(4) CHARACTER SET {charset})")
        one = " WHERE LENGTH(code) = 1" if longest == 1 else ""
        run(f"INSERT INTO `{charset}` SELECT code, code FROM codes{one}")
        for code, sent, found in run(
            f"SELECT code, CONVERT(CONVERT(value USING utf8mb4) USING binary), {unmapped_sql('value', charset) or 0} "
            f"FROM `{charset}` WHERE CONVERT(value USING binary) = code"
        ):
            text = sent.decode(errors="replace")
            given = code.decode(UNICODE[charset], errors="ignore") if charset in UNICODE else code.decode("latin1")
            replaced = sum(text.count(mark) - given.count(mark) for mark in ("?", "\ufffd"))
            assert bool(found) == (replaced > 0 or not text), (charset, code, sent, found)
