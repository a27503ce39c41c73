"""CSV files of third parties: every dialect and encoding, and the errors for bad files, with their line."""

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daybook.errors import FileRefused
from daybook.sources.text import csv_reader, encoding
from daybook.sources.text.compression import unpacked
from daybook.sources.text.csv_reader import CsvDialect, read_csv
from daybook.sources.text.encoding import MAX_LINE

COLUMNS = ("name", "gender")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def read(data: bytes, charset: str | None = None, **dialect: Any) -> list[tuple[str, ...]]:
    rows = read_csv(io.BytesIO(data), CsvDialect(**dialect), COLUMNS, what="the file", charset=charset)
    return [tuple(row) for _, row in rows]


def lines(data: bytes, **dialect: Any) -> list[str]:
    return [where for where, _ in read_csv(io.BytesIO(data), CsvDialect(**dialect), COLUMNS, what="the file")]


GOOD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "LF": (b"name,gender\nZo\xc3\xab,f\nIan,m\n", {}),
    "CRLF": (b"name,gender\r\nZo\xc3\xab,f\r\nIan,m\r\n", {}),
    "CR": (b"name,gender\rZo\xc3\xab,f\rIan,m\r", {}),
    "no newline at the end": (b"name,gender\nZo\xc3\xab,f\nIan,m", {}),
    "blank lines at the end": (b"name,gender\nZo\xc3\xab,f\nIan,m\n\n\r\n", {}),
    "another order": (b"gender,name\nf,Zo\xc3\xab\nm,Ian\n", {}),
    "blanks around the names": (b" name , gender\nZo\xc3\xab,f\nIan,m\n", {}),
    "semicolons": (b"name;gender\nZo\xc3\xab;f\nIan;m\n", {}),
    "tabs": (b"name\tgender\nZo\xc3\xab\tf\nIan\tm\n", {}),
    "bars": (b"name|gender\nZo\xc3\xab|f\nIan|m\n", {}),
    "a declared delimiter": (b"name^gender\nZo\xc3\xab^f\nIan^m\n", {"delimiter": "^"}),
    "quotes": (b'"name","gender"\n"Zo\xc3\xab","f"\n"Ian","m"\n', {}),
    "another quote": (b"'name','gender'\n'Zo\xc3\xab','f'\n'Ian','m'\n", {"quote": "'"}),
    "renamed columns": (b"First name,gender\nZo\xc3\xab,f\nIan,m\n", {"rename": {"First name": "name"}}),
    "no header": (b"Zo\xc3\xab,f\nIan,m\n", {"header": False}),
    "no header, semicolons": (b"Zo\xc3\xab;f\nIan;m\n", {"header": False}),
    "UTF-8 with a mark": ("\ufeffname,gender\nZoë,f\nIan,m\n".encode(), {}),
    "UTF-8 with a mark, declared": ("\ufeffname,gender\nZoë,f\nIan,m\n".encode(), {"encoding": "utf-8"}),
    "UTF-16 with a mark": ("name,gender\nZoë,f\nIan,m\n".encode("utf-16"), {}),
    "UTF-16, big-endian, with a mark": ("\ufeffname,gender\nZoë,f\nIan,m\n".encode("utf-16-be"), {}),
    "UTF-16 without a mark, declared": ("name,gender\nZoë,f\nIan,m\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "latin-1, declared": ("name,gender\nZoë,f\nIan,m\n".encode("latin-1"), {"encoding": "latin-1"}),
    "cp1252, sent by the server": ("name,gender\nZoë,f\nIan,m\n".encode("cp1252"), {"charset": "windows-1252"}),
    "ASCII, sent by the server": (b"name,gender\nZo\xc3\xab,f\nIan,m\n", {"charset": "us-ascii"}),
    "an unknown charset": (b"name,gender\nZo\xc3\xab,f\nIan,m\n", {"charset": "utf8mb4"}),
}


@pytest.mark.parametrize("data, options", GOOD.values(), ids=GOOD)
def test_a_file_is_read(data: bytes, options: dict[str, Any]) -> None:
    assert read(data, **options) == [("Zoë", "f"), ("Ian", "m")]


@pytest.mark.parametrize(
    "data, dialect, row",
    [
        (b'name,gender\n"a\r\n""b"", c",\n', {}, ('a\r\n"b", c', "")),
        (b'name,gender\na "b" c,"; |\t"\n', {}, ('a "b" c', "; |\t")),
        (b'name,gender\n"a \\"b\\" \\\\",c\\,d\n', {"escape": "\\"}, ('a "b" \\', "c,d")),
        (b'name,gender\n"a,b"\n', {"quote": ""}, ('"a', 'b"')),
        (b"name,gender\n a , b \n", {}, (" a ", " b ")),
    ],
    ids=["newlines and quotes in quotes", "quotes within a text", "backslashes", "no quotes", "blanks are kept"],
)
def test_fields_keep_every_character(data: bytes, dialect: dict[str, Any], row: tuple[str, ...]) -> None:
    assert read(data, **dialect) == [row]


def test_a_row_has_the_number_of_its_first_line() -> None:
    assert lines(b'name,gender\n"a\nb",c\nd,e\n') == ["line 2", "line 4"]


def test_characters_on_the_boundary_of_two_pieces_are_read() -> None:
    body = ("name,gender\r\n" + "ë€😀,x\r\n" * 200_000).encode()
    rows = read(body)
    assert len(rows) == 200_000 and set(rows) == {("ë€😀", "x")}


BAD: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "empty": (b"", {}, "the file is empty"),
    "blank lines alone": (b"\r\n\r\n", {}, "the file is empty"),
    "a page": (b"\n <!DOCTYPE html>\n<html><body>Please log in", {}, "the file is not a CSV but a web page"),
    "JSON": (b'{"error": "not found"}', {}, "the header lacks name, gender"),
    "a column gone": (b"name\na\n", {}, "the header lacks gender"),
    "a column renamed": (b"name,genders\na,b\n", {}, "rename: {genders: gender}"),
    "a column more": (b"name,gender,email\na,b,c\n", {}, "has email, which columns: in the table file does not list"),
    "a column twice": (b"name,gender,name\na,b,c\n", {}, "has name more than once"),
    "a column without a name": (b"name,gender,\na,b,\n", {}, "has no name for column 3"),
    "no header": (b"Ian,m\nZo,f\n", {}, "It is 'Ian, m'"),
    "a field too many": (b"name,gender\na,b\nc,d,e\n", {}, "line 3 has 3 fields, but the header has 2"),
    "a field too few": (b"name,gender\na,b\nc\n", {}, "line 3 has 1 field, but the header has 2"),
    "too few without a header": (b"a,b\nc\n", {"header": False}, "line 2 has 1 field, but the table has 2"),
    "a blank line within": (b"name,gender\na,b\n\nc,d\n", {}, "line 3 is blank, but rows follow it"),
    "a quote not closed": (b'name,gender\na,b\n"c,d\ne,f\n', {}, "ends inside of the row that starts in line 3"),
    "a quote closed too early": (b'name,gender\n"a"b,c\n', {}, "line 2 is not valid CSV"),
    "a NULL of MySQL": (b"name,gender\na,b\n\\N,c\n", {"escape": "\\"}, "line 3 has '\\\\N'"),
    "a NUL": (b"name,gender\na,b\nc\0,d\n", {}, "line 3 contains a NUL"),
    "UTF-16 without a mark": ("name,gender\n".encode("utf-16-le"), {}, "encoding: utf-16-le or utf-16-be"),
    "UTF-16 declared without a mark": (b"n\0", {"encoding": "utf-16"}, "utf-16-le or utf-16-be"),
    "UTF-16 cut in a character": ("\ufeffname,gender\n".encode("utf-16-le")[:-1], {}, "is not utf-16-le"),
    "not UTF-8": (
        "name,gender\nIan,m\nJosé García,m\nÅsa Müller,f\n".encode("cp1252"),
        {},
        "byte 21 (0xe9, in line 3) is not utf-8: invalid continuation byte; it may be cp1252",
    ),
    "not in the declared encoding": (
        b"name,gender\na\x81,b\n",
        {"encoding": "cp1252"},
        "byte 13 (0x81, in line 2) is not",
    ),
    "not in the server's encoding": (
        b"name,gender\na\x81,b\n",
        {"charset": "cp1252"},
        "byte 13 (0x81, in line 2) is not cp1252",
    ),
    "a mark that contradicts": (b"\xef\xbb\xbfname,gender\n", {"encoding": "cp1252"}, "the byte order mark of utf-8"),
    "UTF-8 that the server calls latin-1": (
        "name,gender\nZoë,f\n".encode(),
        {"charset": "iso-8859-1"},
        "the server declares that the file is cp1252, but all of it is valid UTF-8",
    ),
}


@pytest.mark.parametrize("data, options, why", BAD.values(), ids=BAD)
def test_a_bad_file_is_refused(data: bytes, options: dict[str, Any], why: str) -> None:
    with pytest.raises(FileRefused) as caught:
        read(data, **options)
    assert str(caught.value).startswith("the file: ") and "Nothing was changed" in str(caught.value)
    assert why in str(caught.value)


@pytest.mark.parametrize("longest", [2**18, pytest.param(MAX_LINE, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("repeated", "why"),
    [(b"a", "line 2 has more than"), (b'"a\n', "the row from line 2 to")],
    ids=["line", "quote"],
)
def test_a_row_that_does_not_end_is_refused(
    repeated: bytes, why: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (encoding, csv_reader):
        monkeypatch.setattr(module, "MAX_LINE", longest)
    text = repeated[:-2] + repeated[-2:] * (longest + 2**20)
    with pytest.raises(FileRefused, match=f"{why}.* {longest:,} characters.* Nothing was changed"):
        read(b"name,gender\n" + text)


def test_the_offset_of_a_byte_is_from_the_start_of_the_file() -> None:
    """The offset is right after a character on the boundary of two pieces, too."""
    head = b"name,gender\n"
    data = head + b"a" * (2**20 - len(head) - 1) + "ë".encode() + b"\nb\xff,c\n"
    with pytest.raises(FileRefused, match=rf"byte {data.index(255):,} \(0xff, in line 3\)"):
        read(data)


@pytest.mark.parametrize(
    "dialect",
    [{"delimiter": '"'}, {"delimiter": "\n"}, {"escape": '"'}, {"encoding": "utf-9"}, {"encoding": "rot13"}],
    ids=str,
)
def test_a_dialect_that_makes_no_sense_is_refused(dialect: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CsvDialect(**dialect)


#: The text of a field: any characters but NUL and lone surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(st.tuples(texts, texts), max_size=20), st.sampled_from(",;\t|"), st.sampled_from(["utf-8", "utf-16"]))
def test_a_csv_that_python_wrote_is_read(rows: list[tuple[str, str]], delimiter: str, encoding: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    assert read(file.getvalue().encode(encoding)) == rows


SMALL = b"name,gender\n" + b"".join(b"%d,x\n" % number for number in range(5000))


def decompress(data: bytes, **options: Any) -> bytes:
    return unpacked(io.BytesIO(data), what="the file", **options).read()


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_file_is_decompressed(kind: str) -> None:
    pack = PACKERS[kind]
    assert decompress(pack(SMALL)) == decompress(pack(SMALL), compression=kind) == SMALL
    assert decompress(gzip.compress(pack(SMALL))) == SMALL, "a server may compress a compressed file again"
    assert decompress(pack(SMALL[:70]) + pack(SMALL[70:])) == SMALL, "two compressed files that are concatenated"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_compressed_file_that_is_cut_off_is_refused(kind: str, share: float) -> None:
    packed = PACKERS[kind](SMALL)
    with pytest.raises(FileRefused, match=f"the {kind} file is"):
        decompress(packed[: max(16, int(len(packed) * share))])


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_file_that_is_damaged_is_refused(kind: str) -> None:
    packed = bytearray(PACKERS[kind](SMALL))
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(FileRefused, match=f"the {kind} file is"):
        decompress(bytes(packed))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_decompression_bomb_is_refused_before_it_fills_the_memory(kind: str) -> None:
    bomb = PACKERS[kind](b"a" * 50_000_000)
    stream = unpacked(io.BytesIO(bomb), what="the file", max_bytes=1_000_000)
    with pytest.raises(FileRefused, match="more than 1,000,000 bytes"):
        while stream.read(2**16):
            pass


@pytest.mark.parametrize("kind", PACKERS)
def test_another_compression_than_the_declared_one_is_refused(kind: str) -> None:
    for data in (SMALL, (gzip.compress if kind != "gzip" else bz2.compress)(SMALL)):
        with pytest.raises(FileRefused, match=f"declares compression: {kind}, but the file is"):
            decompress(data, compression=kind)


def test_an_archive_is_refused() -> None:
    with pytest.raises(FileRefused, match="an archive or a workbook"):
        decompress(b"PK\x03\x04" + bytes(100))
