"""A small fake Yahoo on loopback: the endpoints that yfinance asks for prices.

Prices are in `Yahoo.shares`, by symbol. A `Fault` makes the answers for a symbol wrong. Answers, errors and statuses
have the form of query2.finance.yahoo.com/v8/finance/chart.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from exchange_calendars import get_calendar

from tests.support.servers.tls_proxy import TlsProxy, tls_proxy

HOSTS = ("fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
_COOKIE = "A3=d=AQABBA&S=AQAAAh; Expires=Fri, 1 Jan 2100 00:00:00 GMT; Domain=.yahoo.com; Path=/; Secure; HttpOnly"

HTML = "<!doctype html><html><head><title>Yahoo</title></head><body>Thank you for your patience.</body></html>"
DOWN = "<!DOCTYPE html><html><body><h1>Will be right back...</h1></body></html>"


@dataclass
class Fault:
    """A wrong answer to the first `times` requests (None: to all)."""

    status: int = 200
    body: str | None = None
    """None: the body of the correct answer."""
    cut: int | None = None
    """The number of characters after which the body is cut, sent as a complete answer."""
    hang_up: bool = False
    """If True, close the connection in the middle of the body."""
    times: int | None = None


@dataclass(frozen=True)
class Bar:
    """A day's traded prices and volume. If `blank`, Yahoo sends the day with null prices."""

    open: float
    high: float
    low: float
    close: float
    volume: int
    blank: bool = False


@dataclass
class Share:
    """The data of a symbol: its days, splits and dividends. Times are in the time zone of the exchange."""

    bars: dict[date, Bar]
    zone: str = "America/New_York"
    opens: time = time(9, 30)
    splits: dict[date, int] = field(default_factory=dict)
    dividends: dict[date, float] = field(default_factory=dict)
    live: datetime | None = None
    """The time of a price in a session that is still open. Every answer has it as the last row."""
    fault: Fault | None = None
    kind: str = "EQUITY"

    def adjusted(self, day: date) -> tuple[list[float | None], float | None]:
        """Return open, high, low and close after splits, and the close after dividends, as Yahoo sends them."""
        bar = self.bars[day]
        if bar.blank:
            return [None] * 4, None
        parts = 1
        for when, ratio in self.splits.items():
            parts *= ratio if when > day else 1
        prices = [price / parts for price in (bar.open, bar.high, bar.low, bar.close)]
        factor = 1.0
        for when, amount in self.dividends.items():
            if when > day:
                before = max(other for other in self.bars if other < when)
                factor *= 1 - amount / self.bars[before].close
        return list(prices), prices[3] * factor

    def instant(self, day: date) -> int:
        """Return the start of the session of `day`, in seconds since 1970."""
        return int(datetime.combine(day, self.opens, ZoneInfo(self.zone)).timestamp())


def share(first: date, end: date, seed: int = 0, calendar: str = "XNYS", **fields: Any) -> Share:
    """Return a share with a bar for each session of the exchange in [`first`, `end`). The prices are deterministic."""
    known = get_calendar(calendar, start=(first - timedelta(days=10)).isoformat())
    days = [session.date() for session in known.sessions if first <= session.date() < end]
    return Share({day: bar(day, seed) for day in days}, **fields)


def bar(day: date, seed: int = 0) -> Bar:
    """Return prices of a day with so many digits that any rounding is visible."""
    base = 100 + seed + (day.toordinal() * 7919 % 1000) / 30
    return Bar(base, base * 1.013, base * 0.987, base * 1.0071, 1_000_000 + day.toordinal() * 37 % 100_000)


class Yahoo:
    """The server. `requests` has the requested paths in order, `shares` the known symbols."""

    def __init__(self) -> None:
        self.shares: dict[str, Share] = {}
        self.requests: list[str] = []
        self.crumb_status = 200
        self.fail_after: dict[str, int] = {}
        """By symbol, the number of answers before all further ones are a server error."""
        yahoo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                yahoo._answer(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address: tuple[str, int] = ("127.0.0.1", self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.environment: dict[str, str] = {}

    def close(self) -> None:
        """Accept no more connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def forget(self) -> None:
        """Reset the server: no symbols, no requests."""
        self.shares.clear()
        self.requests.clear()
        self.fail_after.clear()
        self.crumb_status = 200

    @property
    def charts(self) -> list[str]:
        """Return the symbols whose prices were requested, with one entry per request."""
        paths = [urlsplit(path).path for path in self.requests]
        return [unquote(path.rsplit("/", 1)[1]) for path in paths if path.startswith("/v8/finance/chart/")]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.requests.append(request.path)
        url = urlsplit(request.path)
        if url.path.startswith("/v8/finance/chart/"):
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._chart(request, unquote(url.path.rsplit("/", 1)[1]), asked)
        elif url.path == "/v1/test/getcrumb":
            _send(request, self.crumb_status, "x.crumb" if self.crumb_status == 200 else "Too Many Requests\r\n")
        elif url.path == "/":
            _send(request, 404, "", {"Set-Cookie": _COOKIE})
        else:
            _send(request, 404, "")

    def _chart(self, request: BaseHTTPRequestHandler, symbol: str, asked: dict[str, str]) -> None:
        known = self.shares.get(symbol)
        status, content = _chart(symbol, known, asked) if known else _refused(404, "Not Found", _UNKNOWN)
        body, fault = json.dumps(content), known.fault if known else None
        if self.charts.count(symbol) > self.fail_after.get(symbol, sys.maxsize):
            fault = Fault(500, "Internal Server Error")
        if known and fault:
            if fault.times is not None:
                fault.times -= 1
                known.fault = fault if fault.times else None
            status = fault.status
            body = (body if fault.body is None else fault.body)[: fault.cut]
            if fault.hang_up:
                _hang_up(request, body)
                return
        _send(request, status, body)


_UNKNOWN = "No data found, symbol may be delisted"


def _chart(symbol: str, share: Share, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON for a known symbol."""
    days = sorted(share.bars)
    if "range" in asked:
        chosen = days[-1:]
    else:
        start, end = int(asked["period1"]), int(asked["period2"])
        chosen = [day for day in days if start <= share.instant(day) < end]
        if not chosen and not share.live and not share.instant(days[0]) < end <= share.instant(days[-1]) + 7 * 86400:
            return _refused(400, "Bad Request", f"Data doesn't exist for startDate = {start}, endDate = {end}")
    times, quotes = [share.instant(day) for day in chosen], [share.adjusted(day) for day in chosen]
    volumes: list[int | None] = [None if share.bars[day].blank else share.bars[day].volume for day in chosen]
    if share.live:
        times.append(int(share.live.timestamp()))
        quotes.append(([987.5, 999.9, 900.1, 950.25], 950.25))
        volumes.append(4242)
    traded = times[-1] if share.live else share.instant(days[-1]) + 6 * 3600
    result: dict[str, Any] = {
        "meta": {
            "currency": "USD",
            "symbol": symbol,
            "instrumentType": share.kind,
            "firstTradeDate": share.instant(days[0]),
            "regularMarketTime": traded,
            "exchangeTimezoneName": share.zone,
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": asked.get("range", ""),
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        },
        "indicators": {"quote": [{}], "adjclose": [{}]},
    }
    if times:
        names = ("open", "high", "low", "close")
        quote = {name: [prices[place] for prices, _ in quotes] for place, name in enumerate(names)}
        result["timestamp"] = times
        result["indicators"] = {
            "quote": [quote | {"volume": volumes}],
            "adjclose": [{"adjclose": [adjusted for _, adjusted in quotes]}],
        }
        result["events"] = _events(share, times[0], times[-1])
    return 200, {"chart": {"result": [result], "error": None}}


def _events(share: Share, first: int, last: int) -> dict[str, Any]:
    splits = {
        str(share.instant(day)): {
            "date": share.instant(day),
            "numerator": ratio,
            "denominator": 1,
            "splitRatio": f"{ratio}:1",
        }
        for day, ratio in share.splits.items()
        if first <= share.instant(day) <= last
    }
    dividends = {
        str(share.instant(day)): {"amount": amount, "date": share.instant(day)}
        for day, amount in share.dividends.items()
        if first <= share.instant(day) <= last
    }
    found = {"splits": splits, "dividends": dividends}
    return {name: events for name, events in found.items() if events}


def _refused(status: int, code: str, description: str) -> tuple[int, dict[str, Any]]:
    return status, {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _send(request: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    data = body.encode()
    request.send_response(status)
    for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(data)


def _hang_up(request: BaseHTTPRequestHandler, body: str) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body.encode())))
    request.end_headers()
    request.wfile.write(body.encode()[: len(body) // 2])
    request.close_connection = True


def answering(server: Yahoo) -> contextlib.AbstractContextManager[TlsProxy]:
    """Return the proxy through which Yahoo's clients reach this server."""
    return tls_proxy(dict.fromkeys(HOSTS, server.address))


@contextlib.contextmanager
def running_yahoo() -> Iterator[Yahoo]:
    """Yield a server with its proxy. `environment` has the variables with which a process finds it."""
    server = Yahoo()
    try:
        with answering(server) as proxy:
            server.environment = proxy.environment
            yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def yahoo_server() -> Iterator[Yahoo]:
    """Yield the session's fake Yahoo."""
    with running_yahoo() as server:
        yield server


@pytest.fixture
def yahoo(yahoo_server: Yahoo, monkeypatch: pytest.MonkeyPatch) -> Yahoo:
    """Return a fake Yahoo for this process, without any shares."""
    yahoo_server.forget()
    for name, value in yahoo_server.environment.items():
        monkeypatch.setenv(name, value)
    return yahoo_server
