"""Decode bytes to lines of text. The encoding is declared or certain, never guessed.

No character is silently replaced. A byte order mark that contradicts the table file, an invalid byte, a NUL, and a
charset that a server only assumes are errors, with their position.
"""

import codecs
import io
import re
from collections.abc import Iterator

from daybook.errors import FileRefused
from daybook.sources.text.compression import Readable

_PIECE = 2**20
MAX_LINE = 2**24  # characters: a file with a longer line is not text
_NEWLINE = re.compile(r"\r\n|\r|\n")
_MARKS = (  # UTF-32 is first, since its marks start with those of UTF-16
    (codecs.BOM_UTF32_LE, ("utf-32-le", "utf-32")),
    (codecs.BOM_UTF32_BE, ("utf-32-be", "utf-32")),
    (codecs.BOM_UTF8, ("utf-8", "utf-8-sig")),
    (codecs.BOM_UTF16_LE, ("utf-16-le", "utf-16")),
    (codecs.BOM_UTF16_BE, ("utf-16-be", "utf-16")),
)
#: Charsets that servers send for files of unknown encoding, and the most general encoding that fits each.
_ASSUMED = {"ascii": "utf-8", "iso8859-1": "cp1252", "utf-8-sig": "utf-8"}
#: The encodings that an error may suggest.
_LIKELY = [
    *("utf_16", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8_r"),
]


def text_encoding(name: str) -> str:
    """Return Python's name of an encoding. Raise ValueError if it is unknown."""
    try:
        b"a".decode(name)  # rot13, which encodes text as text, raises LookupError for b"a", but not for b""
    except UnicodeDecodeError:
        pass  # one byte is not enough for UTF-16
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding {name!r}; expected one such as utf-8, utf-16, latin-1, cp1252") from None
    return codecs.lookup(name).name


def lines_of(stream: Readable, *, what: str, encoding: str | None = None, charset: str | None = None) -> Iterator[str]:
    """Yield the lines of a text with their line endings, which may be LF, CRLF or CR.

    Args:
        stream: the file, decompressed.
        what: the name of the file in errors.
        encoding: the encoding that the table file declares. None: that of the byte order mark, else `charset`, else
            UTF-8.
        charset: the encoding that the server has sent.

    Raises:
        FileRefused: the file contradicts its encoding, or has an invalid byte, a NUL or a line that is too long. The
            message names the byte or the line.
    """
    return _Decoding(stream, what, encoding, charset).lines()


class _Decoding:
    """The state of decoding one file."""

    def __init__(self, stream: Readable, what: str, encoding: str | None, charset: str | None) -> None:
        self._stream, self._what = stream, what
        first = stream.read(_PIECE)
        while 0 < len(first) < 4 and (more := stream.read(_PIECE)):
            first += more
        self._encoding, mark, assumed = self._choose(first, encoding, charset)
        self._first, self._offset = first[mark:], mark
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._lines = 0
        self._rest = ""
        #: Decodes the file as UTF-8, too: if that succeeds, the charset of the server may be wrong.
        self._doubt = codecs.getincrementaldecoder("utf-8")() if assumed and self._encoding != "utf-8" else None
        self._beyond_ascii = False

    def _choose(self, first: bytes, encoding: str | None, charset: str | None) -> tuple[str, int, bool]:
        """Return the encoding, the length of the byte order mark, and True if only the server declares the encoding."""
        declared = text_encoding(encoding) if encoding else None
        for mark, names in _MARKS:
            if first.startswith(mark):
                if declared and declared not in names:
                    raise self._refused(
                        f"the table file declares encoding: {encoding}, but the file starts with the byte order mark "
                        f"of {names[0]}",
                        "Correct or remove encoding:",
                    )
                return names[0], len(mark), False
        if declared in ("utf-16", "utf-32"):
            raise self._refused(
                f"the table file declares encoding: {encoding}, but the file has no byte order mark",
                f"Declare {declared}-le or {declared}-be",
            )
        if declared:
            return declared.removesuffix("-sig"), 0, False
        try:
            name = text_encoding(charset) if charset else "utf-8"
        except ValueError:
            name = "utf-8"  # a name that only databases know, such as utf8mb4
        return _ASSUMED.get(name, name), 0, bool(charset)

    def lines(self) -> Iterator[str]:
        splitter = io.IncrementalNewlineDecoder(None, translate=False)  # keeps a CR at the end of a piece for its LF
        data = self._first
        while True:
            text = self._rest + splitter.decode(self._decoded(data), final=not data)
            self._rest = ""
            for line in io.StringIO(text, newline=""):
                if not line.endswith(("\n", "\r")):
                    self._rest = line
                    break
                self._lines += 1
                yield line
            if len(self._rest) > MAX_LINE:
                raise self._refused(
                    f"line {self._lines + 1} has more than {MAX_LINE:,} characters", "Check that the file is text"
                )
            if not data:
                break
            data = self._stream.read(_PIECE)
        if self._rest:
            yield self._rest
        if self._doubt and self._beyond_ascii:
            raise self._refused(
                f"the server declares that the file is {self._encoding}, but all of it is valid UTF-8",
                f"Declare the right one: encoding: utf-8, or encoding: {self._encoding}",
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
                f"line {line} contains a NUL, which is not text",
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
        return self._lines + len(_NEWLINE.split(self._rest + before))

    def _no_character(self, offset: int, before: str, error: UnicodeDecodeError) -> FileRefused:
        from charset_normalizer import from_bytes

        around = error.object[max(0, error.start - 2**14) : error.start + 2**14]
        found = {match.encoding: match.chaos for match in from_bytes(bytes(around), cp_isolation=_LIKELY)}
        likely = sorted(found, key=lambda name: (found[name], _LIKELY.index(name)))[:2]
        advice = f"; it may be {' or '.join(name.replace('_', '-') for name in likely)}" if likely else ""
        return self._refused(
            f"byte {offset:,} (0x{error.object[error.start]:02x}, in line {self._line(before)}) is not "
            f"{self._encoding}: {error.reason}{advice}",
            "Declare encoding: in the table file, or correct the file",
        )

    def _refused(self, why: str, remedy: str) -> FileRefused:
        return FileRefused(f"{self._what}: {why}. Nothing was changed. {remedy}")
