"""A TCP proxy in front of a server, which a test can have stop in the middle of things."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Gate:
    """Passes bytes on between clients and the server at `host`:`port`, until `hold` says where to stop.

    Connections that are held stay open and silent, as when a network cable is cut. `open` lets new ones pass.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.reached = threading.Event()
        self._said, self._bytes, self._answer, self._hang_up = b"", 0, False, False
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, said: bytes = b"", *, answer: bool = False, bytes: int = 0, hang_up: bool = False) -> None:
        """Stop when a client sends `said`, before the server hears it; or, with `answer`, when the server has heard it
        and answers. With `bytes`, stop when the server has sent so many. `hang_up` closes the connection, and lets
        everything pass from then on."""
        self.reached.clear()
        self._said, self._answer, self._bytes, self._hang_up = said, answer, bytes, hang_up

    def open(self) -> None:
        """Let everything pass, on connections that are made from now on."""
        self._said, self._bytes = b"", 0

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                asked = threading.Event()
                for source, sink, from_client in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=(source, sink, from_client, asked), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, from_client: bool, asked: threading.Event) -> None:
        passed, tail = 0, b""
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                tail, passed = (tail + block)[-(len(block) + len(self._said)) :], passed + len(block)
                if from_client and self._said and self._said in tail:
                    tail = b""
                    if not self._answer:
                        return self._stop(source, sink)
                    asked.set()
                if not from_client and (asked.is_set() or (self._bytes and passed > self._bytes)):
                    return self._stop(source, sink)
                sink.sendall(block)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return None

    def _stop(self, source: socket.socket, sink: socket.socket) -> None:
        if self._hang_up:
            self.open()
            for end in (source, sink):
                end.shutdown(socket.SHUT_RDWR)
            self.reached.set()
            return
        self.reached.set()
        with contextlib.suppress(OSError):
            while source.recv(1 << 16):  # swallow the rest, until whoever sends it is gone
                pass
            sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def gate(host: str, port: int) -> Iterator[Gate]:
    """A gate in front of a server, for as long as the block lasts."""
    gate = Gate(host, port)
    try:
        yield gate
    finally:
        gate.close()
