"""A TCP proxy in front of a server. A test can stop, cut or slow the traffic at a chosen point."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST, and discards what is not sent yet


@dataclass(frozen=True)
class _Fault:
    trigger: bytes = b""
    answer: bool = False
    bytes: int = 0
    sent: int = 0
    hang_up: bool = False
    reset: bool = False
    always: bool = True


class Gate:
    """Pass bytes between clients and the server at `host`:`port`, until the point that `hold` sets.

    Held connections stay open and silent, as after a cut network cable. `open` lets new connections pass. `watch` is
    called with all bytes of the clients.
    """

    def __init__(self, host: str, port: int, watch: Callable[[bytes], object] | None = None) -> None:
        self._server, self._watch = (host, port), watch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.reached = threading.Event()
        self.hits = 0
        """How many connections reached the point."""
        self._fault, self._latency, self._block = _Fault(), 0.0, 1 << 16
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(
        self,
        trigger: bytes = b"",
        *,
        answer: bool = False,
        bytes: int = 0,
        sent: int = 0,
        hang_up: bool = False,
        reset: bool = False,
        always: bool | None = None,
    ) -> None:
        """Stop before the server receives `trigger` from a client, or with `answer`, before the client receives the
        answer to it. With `bytes` or `sent`, stop after the server or the client has sent that many bytes.

        With `hang_up`, close the connection instead, with FIN, and with `reset`, with RST. Unless it is `always`,
        everything passes on other connections once one has reached the point. By default, only holding is always.
        """
        self.reached.clear()
        cuts = hang_up or reset
        self._fault = _Fault(trigger, answer, bytes, sent, cuts, reset, not cuts if always is None else always)

    def slow(self, latency: float, block: int) -> None:
        """Wait for `latency` seconds before passing each `block` of bytes, in both directions."""
        self._latency, self._block = latency, block

    def open(self) -> None:
        """Let everything pass on new connections."""
        self._fault = _Fault()

    def close(self) -> None:
        """Accept no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # it wakes the thread, unlike close()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                pair = _Pair(client, socket.create_connection(self._server))
                for way in ((pair.client, pair.server, True), (pair.server, pair.client, False)):
                    threading.Thread(target=self._pass, args=(pair, *way), daemon=True).start()

    def _pass(self, pair: "_Pair", source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        passed, tail = 0, b""
        with contextlib.suppress(OSError):
            while block := source.recv(self._block):
                if from_client and self._watch:
                    self._watch(block)
                fault = self._fault
                tail, passed = (tail + block)[-(len(block) + len(fault.trigger)) :], passed + len(block)
                if from_client and fault.trigger and fault.trigger in tail:
                    tail = b""
                    if not fault.answer:
                        return self._stop(fault, pair, source, sink)
                    pair.asked = fault
                asked, most = pair.asked, fault.sent if from_client else fault.bytes
                if (asked and not from_client) or (most and passed > most):
                    return self._stop(asked or fault, pair, source, sink)
                time.sleep(self._latency)
                sink.sendall(block)
        if not pair.cut.is_set():
            # A server that still sends to a held client has a full window, and does not react to FIN.
            pair.end(reset=pair.held)
        return None

    def _stop(self, fault: _Fault, pair: "_Pair", source: socket.socket, sink: socket.socket) -> None:
        self.hits += 1
        if not fault.always:
            self.open()
        if fault.hang_up:
            pair.end(fault.reset)
            self.reached.set()
            return
        pair.held = True
        self.reached.set()
        with contextlib.suppress(OSError):
            while source.recv(1 << 16):  # discard the rest until the sender is gone
                pass
            sink.shutdown(socket.SHUT_RDWR)


class _Pair:
    """The two ends of one connection."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.asked: _Fault | None = None
        self.held = False
        self.cut = threading.Event()

    def end(self, reset: bool) -> None:
        """Close both ends, with FIN or with RST."""
        self.cut.set()
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RD)  # it wakes the other thread, and sends nothing
                    end.close()
                else:
                    end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def gate(host: str, port: int, watch: Callable[[bytes], object] | None = None) -> Iterator[Gate]:
    """Yield a gate in front of a server, until the block ends."""
    gate = Gate(host, port, watch)
    try:
        yield gate
    finally:
        gate.close()
