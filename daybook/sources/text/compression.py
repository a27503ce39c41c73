"""Decompress files as streams, with a limit on the size. The first bytes of a file determine its compression.

A file that is cut off or damaged is refused, even if a library mistakes the damage for the end of the file.
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
_LAYERS = 2  # a server may compress a .csv.gz again for the transfer
_BUFFER = 2**16
_PIECE = 2**10  # bytes of zstd to decompress at a time: they can become 32 MB


class Readable(Protocol):
    """A stream of bytes, such as a file or the body of an object in S3."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


def unpacked(
    stream: Readable, *, what: str, compression: Compression | None = None, max_bytes: int | None = None
) -> io.BufferedReader:
    """Return the decompressed bytes of `stream`, or its bytes as they are if it is not compressed.

    Args:
        stream: the file.
        what: the name of the file in errors.
        compression: the compression that the table file declares. None: the first bytes determine it.
        max_bytes: the maximum size of the decompressed file.

    Raises:
        FileRefused: also while reading: the file is cut off, damaged, has another compression than declared, is an
            archive, or is larger than `max_bytes`.
    """
    opened = _buffered(stream.read)
    found = compression_of(opened)
    if compression not in (None, "none", found):
        raise FileRefused(
            f"{what}: the table file declares compression: {compression}, but the file is {found or 'not compressed'}. "
            "Nothing was changed. Correct or remove compression:"
        )
    if found is None and _ARCHIVE.match(_start(opened)):
        raise FileRefused(
            f"{what}: the file is an archive or a workbook (zip, 7z, rar, xlsx). Nothing was changed. Provide the one "
            "file in it, uncompressed or with gzip, bzip2, xz or zstd"
        )
    layers: list[str] = []
    while found and compression != "none" and len(layers) < _LAYERS:
        layers.append(found)
        opened = _buffered(_explained(_OPEN[found](opened).read, what, found))
        found = compression_of(opened)
    if max_bytes is None:
        return opened
    return _buffered(_limited(opened.read, what, max_bytes))


def _buffered(read: Callable[[int], bytes]) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, _Raw(read)), _BUFFER)


def _start(opened: io.BufferedReader) -> bytes:
    return opened.peek(16)[:16]


def compression_of(opened: io.BufferedReader) -> str | None:
    """Return the compression of a stream, or None if it has none. Peek at its next bytes without consuming them."""
    start = _start(opened)
    return next((name for name, magic in _MAGIC.items() if magic.match(start)), None)


def _explained(read: Callable[[int], bytes], what: str, compression: str) -> Callable[[int], bytes]:
    """Return a function that reads, and raises FileRefused for a file that is cut off or damaged."""

    def reading(size: int) -> bytes:
        try:
            return read(size)
        except EOFError:
            why = "is cut off before its end"
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
            why = f"is damaged ({error})"
        except OSError as error:
            if error.errno is not None:  # an error of the disk or the network; bz2 and gzip set no number
                raise
            why = f"is damaged ({error})"
        raise FileRefused(
            f"{what}: the {compression} file {why}, so nothing was changed. Run the load again, or ask the file's owner"
        )

    return reading


def _limited(read: Callable[[int], bytes], what: str, max_bytes: int) -> Callable[[int], bytes]:
    total = 0

    def reading(size: int) -> bytes:
        nonlocal total
        data = read(size)
        total += len(data)
        if total > max_bytes:
            raise FileRefused(
                f"{what}: the decompressed file has more than {max_bytes:,} bytes, the limit of max_bytes, so nothing "
                "was changed. If this size is expected, raise max_bytes: in the table file"
            )
        return data

    return reading


class _Raw(io.RawIOBase):
    """A raw stream for `io.BufferedReader` that reads with a function."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Zstd:
    """A file of one or more zstd frames. The library's own reader accepts a frame that is cut off."""

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
