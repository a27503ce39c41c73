"""Read all objects of a kind from Prefect's server, page by page."""

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

PAGE = 200  # objects per response: the server's default limit


def every(read: Callable[[int], list[T]]) -> Iterator[T]:
    """Yield everything that `read` returns. It takes an offset, and returns the next PAGE objects from there."""
    offset, page = 0, read(0)
    while page:
        yield from page
        offset += len(page)
        page = read(offset) if len(page) == PAGE else []
