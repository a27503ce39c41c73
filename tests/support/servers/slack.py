"""A fake Slack on loopback: an incoming webhook and `chat.postMessage`, as strict about payloads as Slack.

It keeps accepted messages in `messages`. It can refuse requests, limit the rate, answer late, or be down. The webhook
is plain HTTP. A bot's client has Slack's address built in, and reaches this server over TLS through `answering`.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from tests.support.servers.restarts import Restarts
from tests.support.servers.slack_limits import problems
from tests.support.servers.tls_proxy import TlsProxy, tls_proxy

TOKEN = "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
#: The hosts of Slack's webhooks and methods.
HOSTS = ("slack.com", "www.slack.com", "hooks.slack.com")


@dataclass(frozen=True)
class Message:
    """A message that people would read in Slack."""

    channel: str
    """`#data-alerts` for a bot's message; for a webhook, the last part of its URL's path."""
    ts: str
    thread: str | None
    """The `ts` of the message that it replies to."""
    payload: Mapping[str, Any]
    """The whole payload."""

    @property
    def text(self) -> str:
        """Return the text that a notification shows."""
        return str(self.payload["text"])

    @property
    def words(self) -> str:
        """Return all texts of the message, one per line."""
        return "\n".join(_texts(self.payload))


@dataclass(frozen=True)
class Refusal:
    """An answer that refuses a message."""

    status: int = 429
    body: str = "rate_limited"
    headers: Mapping[str, str] = field(default_factory=dict)


def rate_limited(seconds: int) -> Refusal:
    """Return Slack's answer to too many requests: retry after `seconds`."""
    return Refusal(429, json.dumps({"ok": False, "error": "ratelimited"}), {"Retry-After": str(seconds)})


class Slack(Restarts):
    """The fake server."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        """The accepted messages, oldest first."""
        self.refused: list[tuple[str, list[str]]] = []
        """Slack's error code and the problems of each payload that Slack would refuse."""
        self.refusals: list[Refusal] = []
        """The answers to the next requests, regardless of their content."""
        self.requests = 0
        self.channels = {"#data-alerts": "C0DATA00001", "#analytics": "C0ANALYT001"}
        """The IDs of the channels that the bot is in, by name."""
        self.hurry = threading.Event()
        """While this event is cleared, no request is answered."""
        self.hurry.set()
        self._clock = count(1)
        self.port = 0  # any free port at first, and the same one after restarts
        self.start()

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return "127.0.0.1", self.port

    def webhook(self, name: str = "slack") -> str:
        """Return the URL of a webhook. `name` distinguishes its messages from those of others."""
        return f"http://127.0.0.1:{self.port}/services/T00000000/B00000000/{name}"

    def forget(self) -> None:
        """Reset the server."""
        self.messages.clear()
        self.refused.clear()
        self.refusals.clear()
        self.requests = 0

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Accept requests, but do not answer them before the block ends."""
        self.hurry.clear()
        try:
            yield
        finally:
            self.hurry.set()

    def close(self) -> None:
        self.hurry.set()
        self._server.shutdown()
        self._server.server_close()

    def start(self) -> None:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # a response is two packets, and the second would wait 40 ms

            def do_POST(self) -> None:
                slack._answer(self)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.requests += 1
        self.hurry.wait(60)
        is_bot = request.path.startswith("/api/")
        if self.refusals:
            refusal = self.refusals.pop(0)
        elif is_bot:
            refusal = self._bot(request, body)
        else:
            refusal = self._webhook(request.path, body)
        with contextlib.suppress(OSError):  # the client may have closed the connection
            request.send_response(refusal.status)
            kind = "application/json" if is_bot else "text/html"
            data = refusal.body.encode()
            for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **refusal.headers}.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(data)

    def _webhook(self, path: str, body: bytes) -> Refusal:
        payload, word, wrong = _read(body)
        if not path.startswith("/services/"):
            return Refusal(404, "no_service")
        if wrong:
            self.refused.append((word, wrong))
            return Refusal(400, word)
        self._keep(path.rsplit("/", 1)[1], None, payload)
        return Refusal(200, "ok")

    def _bot(self, request: BaseHTTPRequestHandler, body: bytes) -> Refusal:
        if request.path != "/api/chat.postMessage":
            return _bots_refusal("unknown_method")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _bots_refusal("invalid_auth")
        payload, word, wrong = _read(body)
        if wrong:
            self.refused.append((word, wrong))
            return _bots_refusal(word, wrong)
        ids = {known: name for name, known in self.channels.items()}
        channel = ids.get(payload.get("channel", ""), payload.get("channel", ""))
        if channel not in self.channels:
            return _bots_refusal("channel_not_found")
        thread = payload.get("thread_ts")
        if thread and thread not in [message.ts for message in self.messages if message.channel == channel]:
            return _bots_refusal("thread_not_found")
        message = self._keep(channel, thread, payload)
        return Refusal(200, json.dumps({"ok": True, "channel": self.channels[channel], "ts": message.ts}))

    def _keep(self, channel: str, thread: str | None, payload: Mapping[str, Any]) -> Message:
        message = Message(channel, f"1700000000.{next(self._clock):06}", thread, payload)
        self.messages.append(message)
        return message


def _read(body: bytes) -> tuple[Mapping[str, Any], str, list[str]]:
    """Return the payload, and if Slack would refuse it, the error code and the problems."""
    try:
        payload = json.loads(body)
    except ValueError as error:
        return {}, "invalid_payload", [str(error)]
    if not isinstance(payload, dict):
        return {}, "invalid_payload", ["not an object"]
    if not payload.get("text"):
        return payload, "no_text", ["no text: a notification would be empty"]
    return payload, "invalid_blocks", problems(payload)


def _bots_refusal(word: str, wrong: list[str] | None = None) -> Refusal:
    answer: dict[str, Any] = {"ok": False, "error": word}
    if wrong:
        answer["response_metadata"] = {"messages": [f"[ERROR] {what}" for what in wrong]}
    return Refusal(200, json.dumps(answer))


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)


def answering(server: Slack) -> contextlib.AbstractContextManager[TlsProxy]:
    """Return the proxy through which unmodified Slack clients reach this server, with its `environment` variables."""
    return tls_proxy(dict.fromkeys(HOSTS, server.address))


def serving_slack() -> contextlib.AbstractContextManager[Slack]:
    """Return a context manager with a fake Slack."""
    return contextlib.closing(Slack())


@pytest.fixture
def slack() -> Iterator[Slack]:
    """Yield a fake Slack for one test."""
    with serving_slack() as server:
        yield server


@pytest.fixture
def slack_for_bots(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """Yield the fake Slack, which this process also reaches at Slack's own address."""
    with answering(slack) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield slack
