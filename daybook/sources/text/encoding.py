"""Bytes as lines of text. Their encoding is declared or certain, and what does not fit it is refused with its place.

A file never becomes other characters in silence: a byte order mark that contradicts the table file, a byte that is no
character, a NUL and a charset that a server only assumes are errors.
"""

import codecs
import io
import re
from collections.abc import Iterator

from daybook.errors import FileRefused
from daybook.sources.text.compression import Readable

_PIECE = 2**20
MAX_LINE = 2**24  # characters: a file without a line end within them is not text
_NEWLINE = re.compile(r"\r\n|\r|\n")
_MARKS = (  # in this order: the first two begin as the last two do
    (codecs.BOM_UTF32_LE, ("utf-32-le", "utf-32")),
    (codecs.BOM_UTF32_BE, ("utf-32-be", "utf-32")),
    (codecs.BOM_UTF8, ("utf-8", "utf-8-sig")),
    (codecs.BOM_UTF16_LE, ("utf-16-le", "utf-16")),
    (codecs.BOM_UTF16_BE, ("utf-16-be", "utf-16")),
)
#: What servers say of files whose encoding they do not know, and what such a file is all the same.
_ASSUMED = {"ascii": "utf-8", "iso8859-1": "cp1252", "utf-8-sig": "utf-8"}
#: What a file may be that nobody declared, for the advice in an error.
_LIKELY = [
    *("utf_16", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8_r"),
]


def text_encoding(name: str) -> str:
    """Python's name of an encoding. Raises ValueError where there is none called `name`."""
    try:
        b"a".decode(name)  # of rot13, which turns texts into texts, a LookupError, but not for b""
    except UnicodeDecodeError:
        pass  # an a is too little of UTF-16
    except (LookupError, ValueError):
        raise ValueError(f"no encoding is called {name!r}; there are utf-8, utf-16, latin-1, cp1252, …") from None
    return codecs.lookup(name).name


def lines_of(stream: Readable, *, what: str, encoding: str | None = None, charset: str | None = None) -> Iterator[str]:
    """The lines of a text with their ends, which may be LF, CRLF or CR.

    `what` names the file in errors. `encoding` is what the table file declares. Without it a byte order mark decides,
    then `charset`, which the server has said, then it must be UTF-8.

    Raises:
        FileRefused: a byte that is no character of it, with its offset and line; a NUL; a line without an end.
    """
    return _Decoding(stream, what, encoding, charset).lines()


class _Decoding:
    """One text, from its first byte to its last."""

    def __init__(self, stream: Readable, what: str, encoding: str | None, charset: str | None) -> None:
        self._stream, self._what = stream, what
        first = stream.read(_PIECE)
        while 0 < len(first) < 4 and (more := stream.read(_PIECE)):
            first += more
        self._encoding, mark, assumed = self._choose(first, encoding, charset)
        self._first, self._offset = first[mark:], mark
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._told = 0
        self._rest = ""
        #: What the server has assumed may be wrong, and then the whole of it is UTF-8.
        self._doubt = codecs.getincrementaldecoder("utf-8")() if assumed and self._encoding != "utf-8" else None
        self._beyond_ascii = False

    def _choose(self, first: bytes, encoding: str | None, charset: str | None) -> tuple[str, int, bool]:
        """The encoding, the length of the mark, and whether the encoding is only what the server says."""
        declared = text_encoding(encoding) if encoding else None
        for mark, names in _MARKS:
            if first.startswith(mark):
                if declared and declared not in names:
                    raise self._refused(
                        f"encoding: {encoding} was declared, and it begins with the byte order mark of {names[0]}",
                        "Leave encoding: out, or correct it",
                    )
                return names[0], len(mark), False
        if declared in ("utf-16", "utf-32"):
            raise self._refused(
                f"encoding: {encoding} was declared, and it has no byte order mark",
                f"Say which of the two it is: {declared}-le or {declared}-be",
            )
        if declared:
            return declared.removesuffix("-sig"), 0, False
        try:
            said = text_encoding(charset) if charset else "utf-8"
        except ValueError:
            said = "utf-8"  # a name that only databases know, such as utf8mb4
        return _ASSUMED.get(said, said), 0, bool(charset)

    def lines(self) -> Iterator[str]:
        splitter = io.IncrementalNewlineDecoder(None, translate=False)  # keeps the CR of a CRLF that is cut in two
        data = self._first
        while True:
            text = self._rest + splitter.decode(self._decoded(data), final=not data)
            self._rest = ""
            for line in io.StringIO(text, newline=""):
                if not line.endswith(("\n", "\r")):
                    self._rest = line
                    break
                self._told += 1
                yield line
            if len(self._rest) > MAX_LINE:
                raise self._refused(f"line {self._told + 1} has no end within {MAX_LINE:,} characters", "Is it a text?")
            if not data:
                break
            data = self._stream.read(_PIECE)
        if self._rest:
            yield self._rest
        if self._doubt and self._beyond_ascii:
            raise self._refused(
                f"the server says that it is {self._encoding}, and it reads as UTF-8 throughout",
                f"Declare which it is: encoding: utf-8, or encoding: {self._encoding}",
            )

    def _decoded(self, data: bytes) -> str:
        before = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            good = bytes(error.object[: error.start]).decode(self._encoding, "ignore")
            raise self._no_character(self._offset - before + error.start, good, error) from None
        self._offset += len(data)
        if "\0" in text:
            line = self._line(text[: text.index("\0")])
            raise self._refused(
                f"line {line} has a NUL, which is no text",
                "Correct the file; if it is UTF-16 without a byte order mark, declare encoding: utf-16-le or utf-16-be",
            )
        self._weigh(data)
        return text

    def _weigh(self, data: bytes) -> None:
        if self._doubt is None:
            return
        self._beyond_ascii = self._beyond_ascii or not data.isascii()
        try:
            self._doubt.decode(data, final=not data)
        except UnicodeDecodeError:
            self._doubt = None

    def _line(self, before: str) -> int:
        return self._told + len(_NEWLINE.split(self._rest + before))

    def _no_character(self, offset: int, before: str, error: UnicodeDecodeError) -> FileRefused:
        from charset_normalizer import from_bytes

        around = error.object[max(0, error.start - 2**14) : error.start + 2**14]
        found = {match.encoding: match.chaos for match in from_bytes(bytes(around), cp_isolation=_LIKELY)}
        likely = sorted(found, key=lambda name: (found[name], _LIKELY.index(name)))[:2]
        advice = f"; it may be {' or '.join(name.replace('_', '-') for name in likely)}" if likely else ""
        return self._refused(
            f"byte {offset:,} (0x{error.object[error.start]:02x}, in line {self._line(before)}) is not "
            f"{self._encoding}: {error.reason}{advice}",
            "Declare its encoding: in the table file, or correct the file",
        )

    def _refused(self, why: str, remedy: str) -> FileRefused:
        return FileRefused(f"{self._what}: {why}: nothing was changed. {remedy}")
