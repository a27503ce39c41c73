"""A TCP proxy in front of PostgreSQL that loses the answer to a COMMIT, after PostgreSQL has carried it out."""

import contextlib
import socket
import threading
from collections.abc import Iterator

_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete: type, length, tag


class CommitProxy:
    """Listens on `port` of 127.0.0.1. The first `lose` answers to a COMMIT end their connection instead of arriving."""

    def __init__(self, host: str, port: int, lose: int) -> None:
        self._upstream, self._lock = (host, port), threading.Lock()
        self.left_to_lose = lose
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                for source, sink, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=(source, sink, answers), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and _COMMITTED in data and self._loses():
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _loses(self) -> bool:
        with self._lock:
            self.left_to_lose -= 1
            return self.left_to_lose >= 0


@contextlib.contextmanager
def losing_commits(host: str, port: int, lose: int = 1) -> Iterator[CommitProxy]:
    """A proxy that loses that many answers, until the block ends."""
    proxy = CommitProxy(host, port, lose)
    try:
        yield proxy
    finally:
        proxy.close()
