"""A TCP proxy in front of a server. A test can stop the traffic at a chosen point."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Gate:
    """Pass bytes between clients and the server at `host`:`port`, until the point that `hold` sets.

    Held connections stay open and silent, as after a cut network cable. `open` lets new connections pass.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.reached = threading.Event()
        self._trigger, self._bytes, self._answer, self._hang_up = b"", 0, False, False
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, trigger: bytes = b"", *, answer: bool = False, bytes: int = 0, hang_up: bool = False) -> None:
        """Stop before the server receives `trigger` from a client, or with `answer`, before the client receives the
        answer to it. With `bytes`, stop after the server has sent that many bytes. With `hang_up`, close the
        connection instead, and let everything pass from then on."""
        self.reached.clear()
        self._trigger, self._answer, self._bytes, self._hang_up = trigger, answer, bytes, hang_up

    def open(self) -> None:
        """Let everything pass on new connections."""
        self._trigger, self._bytes = b"", 0

    def close(self) -> None:
        """Accept no more connections."""
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
                tail, passed = (tail + block)[-(len(block) + len(self._trigger)) :], passed + len(block)
                if from_client and self._trigger and self._trigger in tail:
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
            while source.recv(1 << 16):  # discard the rest until the sender is gone
                pass
            sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def gate(host: str, port: int) -> Iterator[Gate]:
    """Yield a gate in front of a server, until the block ends."""
    gate = Gate(host, port)
    try:
        yield gate
    finally:
        gate.close()
