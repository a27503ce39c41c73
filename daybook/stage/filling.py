"""Fill parts with compressed rows, so that a warehouse that loads several parts at a time uses all of its slices.

Redshift gives each compressed file to one slice, and all slices work in parallel. AWS recommends a multiple of the
slices, and files of equal size between 1 MB and 1 GB after compression: t_splitting-data-files.html,
queries-troubleshooting-load-takes-too-long.html. The size of a load is not known before its last row. So a load begins
with rounds of small parts, one for each slice, and its parts grow with what is staged already. The last part is divided
between the slices that would have none in the last round.
"""

import io
from collections.abc import Iterable, Iterator

import zstandard

from daybook.stage.csv_format import Chunk
from daybook.stage.csv_records import split

LEAST = 2**20  # bytes of a compressed part: a smaller one costs a slice more than it saves
ZSTD_LEVEL = 1  # 249 MB of rows take 0.6 CPU seconds; level 3 takes 1.1 for parts that are a fifth smaller
ZSTD_BUFFERED = 128 * 2**10  # a compressor buffers less than one block of input: RFC 8878, 3.1.1.2.4
#: A part has at most this fraction (1/4) of the bytes that each slice has already, so a short last round costs little.
_SHARE = 4
_READ_BACK = 64 * 2**20  # the most bytes of CSV that are read back into memory to divide the last part

#: A compressed part, its rows, and its bytes of CSV.
Filled = tuple[bytes, int, int]


def filled(chunks: Iterable[Chunk], part_bytes: int, slices: int | None) -> Iterator[Filled]:
    """Yield compressed parts of at most `part_bytes`. Only a part of one large row exceeds it.

    `slices` is the number of parts that the warehouse loads at a time, or None if the number does not matter.
    """
    part, parts, staged, limit = _Filling(), 0, 0, part_limit(0, slices, part_bytes)
    for chunk in chunks:
        for piece in split(chunk, limit // 4):
            if part.raw_bytes and part.at_most(piece) > limit:
                finished = [part.finish()]
                parts, staged = parts + 1, staged + len(finished[0][0])
                yield finished.pop()  # this generator must not keep the part in memory while it fills the next one
                part = _Filling()
                if slices and parts % slices == 0:
                    limit = part_limit(staged, slices, part_bytes)
            part.add(piece)
    if part.raw_bytes:
        last = part.finish()
        pieces = min(slices - parts % slices, len(last[0]) // LEAST) if slices else 1
        yield from _divided(last, pieces) if pieces > 1 and last[2] <= _READ_BACK else [last]


def part_limit(staged: int, slices: int | None, most: int) -> int:
    """Return the maximum size of the parts of the next round, in bytes.

    Args:
        staged: the bytes of the parts before this round.
        slices: the number of parts in a round; None if the number of parts does not matter.
        most: the maximum size of any part.
    """
    return min(most, max(LEAST, staged // (_SHARE * slices))) if slices else most


def _divided(part: Filled, pieces: int) -> Iterator[Filled]:
    """Yield the rows of a part as at most `pieces` parts of about equal size."""
    data, rows, raw_bytes = part
    raw = Chunk(zstandard.ZstdDecompressor().decompressobj().decompress(data), rows)
    filling, size, done = _Filling(), 0, 1
    for piece in split(raw, max(1, raw_bytes // (8 * pieces))):
        filling.add(piece)
        size += len(piece.data)
        if size * pieces >= raw_bytes * done:
            yield filling.finish()
            filling, done = _Filling(), size * pieces // raw_bytes + 1


class _Filling:
    """A part that is being compressed in memory."""

    def __init__(self) -> None:
        self.rows = self.raw_bytes = 0
        self._out = io.BytesIO()
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()

    def add(self, chunk: Chunk) -> None:
        self.rows += chunk.rows
        self.raw_bytes += len(chunk.data)
        self._out.write(self._compressor.compress(chunk.data))

    def at_most(self, more: Chunk) -> int:
        """Return the maximum size of the part with `more` in it, if none of `more` can be compressed."""
        uncompressed = min(self.raw_bytes, ZSTD_BUFFERED) + len(more.data)
        return self._out.tell() + uncompressed + uncompressed // 256 + 64

    def finish(self) -> Filled:
        self._out.write(self._compressor.flush())
        return self._out.getvalue(), self.rows, self.raw_bytes
