"""Split many rows, keys or intervals into batches of one statement."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: The number of rows, keys or intervals in one statement. Each has up to about twenty values, so a statement stays far
#: below every server's limit: 16 MB on Redshift, `max_allowed_packet` on MySQL. Larger batches save no time.
PER_STATEMENT = 500


def batched(items: Iterable[T], size: int = PER_STATEMENT) -> Iterator[list[T]]:
    """Yield the items in order, in lists of `size`. The last list may be shorter; none is empty."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
