"""Prefect's server gives out a few hundred things at once: all of them, page by page."""

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

PAGE = 200  # things that the server gives out in one answer


def every(read: Callable[[int], list[T]]) -> Iterator[T]:
    """All that `read` gives, which is given an offset and reads the PAGE things that come after it."""
    offset, page = 0, read(0)
    while page:
        yield from page
        offset += len(page)
        page = read(offset) if len(page) == PAGE else []
