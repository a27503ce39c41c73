"""The base class of servers that can be down for a while."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator


class Restarts(ABC):
    """A server that can be restarted on the same ports."""

    @abstractmethod
    def start(self) -> None:
        """Accept connections."""

    @abstractmethod
    def close(self) -> None:
        """Accept no more connections."""

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections until the block ends."""
        self.close()
        try:
            yield
        finally:
            self.start()
