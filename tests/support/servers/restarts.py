"""What servers have in common that can be gone for a while."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator


class Restarts(ABC):
    """A server that can be started again, on the ports that it had."""

    @abstractmethod
    def start(self) -> None:
        """Take connections."""

    @abstractmethod
    def close(self) -> None:
        """Take no more connections."""

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused within the block."""
        self.close()
        try:
            yield
        finally:
            self.start()
