"""A small web server on loopback whose answers a test sets: cut off, in chunks, too late, or none at all.

Each path has a list of `Answer` objects, which are sent in turn. The server records all requests.
"""

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import cast

import pytest


@dataclass(frozen=True)
class Answer:
    """One answer. If its ETag or Last-Modified header matches the request, the server sends a 304 instead."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    tells_length: bool = True
    """If False, the body ends when the connection is closed, as in HTTP/1.0."""
    sends: int | None = None
    """The number of bytes of the body to send before the connection is closed."""
    hangs_up: bool = False
    """If True, close the connection without an answer."""


@dataclass(frozen=True)
class Asked:
    """A received request."""

    path: str
    headers: Mapping[str, str]
    at: float
    body: bytes = b""


class Web:
    """The server. It sends `answers[path]` in turn, and repeats the last one. `asked` has all requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.web = self  # type: ignore[attr-defined]
        self.port: int = self._server.server_address[1]
        self.scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str = "/file.csv", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def offers(self, *answers: Answer | bytes, path: str = "/file.csv") -> None:
        """Set the answers of `path` from now on."""
        self.answers[path] = [Answer(answer) if isinstance(answer, bytes) else answer for answer in answers]

    def next_answer(self, path: str) -> Answer:
        waiting = self.answers.get(path.partition("?")[0], [Answer(b"no such file", 404)])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a response is two packets, and the second would wait 40 ms

    def do_GET(self) -> None:
        web = cast(Web, self.server.web)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        web.asked.append(Asked(self.path, dict(self.headers.items()), time(), body))
        answer, self.close_connection = web.next_answer(self.path), True
        if answer.hangs_up:
            return
        headers = {"Date": formatdate(usegmt=True), "Content-Type": "text/csv", **answer.headers}
        for asked, name in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
            if answer.status == 200 and name in headers and self.headers.get(asked) == headers[name]:
                return self._head(304, headers)
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.tells_length:
            headers.setdefault("Content-Length", str(len(answer.body)))
        self._head(answer.status, headers)
        body = answer.body[: answer.sends]
        with contextlib.suppress(OSError):  # the client may have closed the connection
            for start in range(0, len(body), 1000) if answer.chunked else ():
                piece = body[start : start + 1000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if not answer.chunked:
                self.wfile.write(body)
            elif answer.sends is None:
                self.wfile.write(b"0\r\n\r\n")

    do_POST = do_GET

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def serving_web(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Yield a web server until the block ends."""
    server = Web(tls)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def web() -> Iterator[Web]:
    """Yield a web server for one test."""
    with serving_web() as server:
        yield server
