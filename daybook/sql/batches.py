"""The size of one statement that carries many values."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: Rows, keys or intervals whose values one statement carries. Each has up to some twenty values, so that a statement
#: stays far below every server's limit: 16 MB on Redshift, `max_allowed_packet` on MySQL. More of them save no time.
PER_STATEMENT = 500


def batched(items: Iterable[T], size: int = PER_STATEMENT) -> Iterator[list[T]]:
    """Yield the items in order, `size` at a time; the last list may be shorter, and none is empty."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
