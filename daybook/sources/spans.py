"""Read several spans of a source in one load."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

from daybook.model.types import Column
from daybook.sources.base import Source, Span
from daybook.stage.csv_format import Chunk, CsvFormat


@runtime_checkable
class SpansAtOnce(Protocol):
    """A source for which several spans are one request, as an API with few requests per minute."""

    def rows_of(self, columns: Sequence[Column], spans: Sequence[Span], format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows of these spans, which are in order and do not overlap, as `Source.rows` does for one."""
        ...


def rows_of_spans(
    source: Source, columns: Sequence[Column], spans: Sequence[Span], format: CsvFormat
) -> Iterator[Chunk]:
    """Stream the rows of these spans, which are in order and do not overlap, from the one snapshot of the source."""
    if isinstance(source, SpansAtOnce):
        return source.rows_of(columns, spans, format)
    return chain.from_iterable(source.rows(columns, span, format) for span in spans)
