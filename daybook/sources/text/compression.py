"""Files as they were before somebody compressed them: found by their first bytes, read in small pieces, never too many.

What is cut off or damaged is refused, also where a library would take it for the end of the file.
"""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any, Literal, Protocol, cast

import zstandard

from daybook.errors import FileRefused

Compression = Literal["gzip", "bzip2", "xz", "zstd", "none"]

_MAGIC: dict[str, re.Pattern[bytes]] = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd"),
}
_ARCHIVE = re.compile(rb"PK\x03\x04|Rar!|7z\xbc\xaf\x27\x1c")
_LAYERS = 2  # a .csv.gz that a server has compressed once more on its way
_BUFFER = 2**16
_PIECE = 2**10  # of zstd: a thousand bytes may become 32 MB


class Readable(Protocol):
    """What bytes can be read from: a file, the body of an object in S3."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""
        ...


def unpacked(
    stream: Readable, *, what: str, compression: Compression | None = None, max_bytes: int | None = None
) -> io.BufferedReader:
    """The bytes of `stream` as they were before they were compressed; those of a file that is not, as they are.

    `what` names the file in errors; `compression` is what the table file says of it (None: what its first bytes say).
    Reading raises FileRefused: it is cut off, damaged, compressed otherwise, or becomes more than `max_bytes`.
    """
    opened = _buffered(stream.read)
    found = compression_of(opened)
    if compression not in (None, "none", found):
        raise FileRefused(
            f"{what}: compression: {compression} was declared, and the file is {found or 'not compressed'}: nothing "
            "was changed. Correct compression: or leave it out"
        )
    if found is None and _ARCHIVE.match(_start(opened)):
        raise FileRefused(
            f"{what}: it is an archive or a workbook (zip, 7z, rar, xlsx), which holds files: nothing was changed. "
            "Offer the one file as it is, or with gzip, bzip2, xz or zstd"
        )
    layers: list[str] = []
    while found and compression != "none" and len(layers) < _LAYERS:
        layers.append(found)
        opened = _buffered(_told(_OPEN[found](opened).read, what, found))
        found = compression_of(opened)
    if max_bytes is None:
        return opened
    return _buffered(_limited(opened.read, what, max_bytes))


def _buffered(read: Callable[[int], bytes]) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, _Raw(read)), _BUFFER)


def _start(opened: io.BufferedReader) -> bytes:
    return opened.peek(16)[:16]


def compression_of(opened: io.BufferedReader) -> str | None:
    """How what comes next is compressed, by its first bytes, which stay to be read; None where it is not."""
    start = _start(opened)
    return next((name for name, magic in _MAGIC.items() if magic.match(start)), None)


def _told(read: Callable[[int], bytes], what: str, compression: str) -> Callable[[int], bytes]:
    def reading(size: int) -> bytes:
        try:
            return read(size)
        except EOFError:
            why = "is cut off before its end"
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
            why = f"is damaged ({error})"
        except OSError as error:
            if error.errno is not None:  # of the disk or of the network; bz2 and gzip have no number
                raise
            why = f"is damaged ({error})"
        raise FileRefused(f"{what}: the {compression} file {why}: nothing was changed. Run it again, or ask its owner")

    return reading


def _limited(read: Callable[[int], bytes], what: str, max_bytes: int) -> Callable[[int], bytes]:
    total = 0

    def reading(size: int) -> bytes:
        nonlocal total
        data = read(size)
        total += len(data)
        if total > max_bytes:
            raise FileRefused(
                f"{what}: it is more than {max_bytes:,} bytes long when it is unpacked, which is max_bytes: nothing "
                "was changed. If it may be that long, raise max_bytes: in the table file"
            )
        return data

    return reading


class _Raw(io.RawIOBase):
    """A function that reads, as a stream that `io.BufferedReader` takes."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Zstd:
    """A file of one or more zstd frames. The library's own reader takes a frame that is cut off for a whole one."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._left = b""

    def read(self, size: int) -> bytes:
        while not self._left:
            packed = self._stream.read(_PIECE)
            if not packed:
                if self._frame.eof:
                    return b""
                raise EOFError
            while packed:
                if self._frame.eof:
                    self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._left += self._frame.decompress(packed)
                packed = self._frame.unused_data if self._frame.eof else b""
        data, self._left = self._left[:size], self._left[size:]
        return data


_OPEN: dict[str, Callable[[io.BufferedReader], Readable]] = {
    "gzip": lambda stream: cast(Readable, gzip.GzipFile(fileobj=stream)),
    "bzip2": lambda stream: cast(Readable, bz2.BZ2File(stream)),
    "xz": lambda stream: cast(Readable, lzma.LZMAFile(stream)),  # noqa: SIM115
    "zstd": _Zstd,
}
