"""A fake Google on loopback: the token endpoint and the part of the Sheets API that gspread uses, with faults.

It models spreadsheets as Google does: a cell has a value, and a format that determines the text that people see; a
sheet has a number of rows and columns; access depends on the accounts that the spreadsheet is shared with and on the
scope of the token.
"""

import base64
import contextlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.support.servers.tls_proxy import TlsProxy, tls_proxy
from tests.support.service_account import write_key_file

HOSTS = ("oauth2.googleapis.com", "sheets.googleapis.com", "iamcredentials.googleapis.com")
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
Value = str | int | float | bool


def _error(code: int, message: str, status: str) -> tuple[int, str, bytes]:
    return code, "application/json", _json({"error": {"code": code, "message": message, "status": status}})


def _json(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()


_QUOTA = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'"
_API_OFF = "Google Sheets API has not been used in project 42 before or it is disabled. Enable it, then retry."
#: The faults, with the answer of Google or of a proxy in front of it: status, content type, body.
FAULTS: dict[str, tuple[int, str, bytes]] = {
    "quota": _error(429, _QUOTA, "RESOURCE_EXHAUSTED"),
    "internal error": _error(500, "Internal error encountered.", "INTERNAL"),
    "error page": (502, "text/html", b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>"),
    "page with status 200": (200, "text/html", b"<!DOCTYPE html><title>Sign in</title>"),
    "empty answer": (200, "application/json", b""),
    "no object": (200, "application/json", b"[]"),
    "half of the JSON": (200, "application/json", b'{"range": "Sheet1!A1:B3", "values": [["id", "na'),
    "cut off": (200, "application/json", b'{"range": "Sheet1!A1:B3", "values": [["id", "na'),
    "hang-up": (200, "application/json", b""),
    "API off": _error(403, _API_OFF, "PERMISSION_DENIED"),
    "Excel file": _error(400, "This operation is not supported for this document", "FAILED_PRECONDITION"),
}


@dataclass
class Cell:
    """A cell: its value, the text that it shows if that differs from the value, and its format, which writes keep."""

    value: Value | None
    shown: str | None = None
    format: str | None = None

    def formatted(self) -> str:
        if self.value is None:
            return ""
        if self.shown is not None:
            return self.shown
        if isinstance(self.value, bool):
            return str(self.value).upper()
        return f"{self.value:.10g}" if isinstance(self.value, float) else str(self.value)


@dataclass
class Sheet:
    """A sheet with its numbers of rows and columns. Cells are counted from 0."""

    id: int
    rows: int = 1000
    columns: int = 26
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    def fill(self, rows: list[list[Any]]) -> None:
        """Replace the content with these rows. Each cell is a value or a `Cell`; None is an empty cell."""
        self.cells = {
            (row, column): cell if isinstance(cell, Cell) else Cell(cell)
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
            if cell is not None
        }

    def values(self, area: tuple[int, int, int, int], formatted: bool) -> list[list[Value]]:
        """Return the values of [top, bottom) × [left, right), without trailing empty cells and rows."""
        top, bottom, left, right = area
        rows: list[list[Value]] = []
        for row in range(top, min(bottom, max((place[0] + 1 for place in self.cells), default=0))):
            found = [self.cells.get((row, column), Cell(None)) for column in range(left, right)]
            cells: list[Value] = [
                cell.formatted() if formatted else "" if cell.value is None else cell.value for cell in found
            ]
            while cells and cells[-1] == "":
                cells.pop()
            rows.append(cells)
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def all(self) -> list[list[Value]]:
        """Return all values."""
        return self.values((0, self.rows, 0, self.columns), False)


@dataclass
class Spreadsheet:
    """Sheets by title, and the role of each account that the spreadsheet is shared with."""

    sheets: dict[str, Sheet]
    shared_with: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An error answer of the API."""

    def __init__(self, code: int, message: str, status: str) -> None:
        super().__init__(message)
        self.code, _, self.body = _error(code, message, status)


class Google:
    """The server, with its spreadsheets, its account and the requests that it got."""

    def __init__(self, folder: Path) -> None:
        self.spreadsheets: dict[str, Spreadsheet] = {}
        self.requests: list[str] = []
        """Each request to the API, as `GET /v4/…`."""
        self.on_write: Callable[[], object] = lambda: None
        """A function to call after each write, to simulate a change in the browser."""
        self.key_file = folder / "service-account.json"
        self.account = write_key_file(self.key_file)
        self._faults: list[str] = []
        self._after: list[str] = []
        self._tokens: dict[str, tuple[str, str]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def email(self) -> str:
        return self.account["client_email"]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def new(self, *titles: str, role: str | None = "writer") -> str:
        """Create a spreadsheet with empty sheets, shared as `role` (None: not shared). Return its ID."""
        id = secrets.token_urlsafe(33)
        sheets = {title: Sheet(number) for number, title in enumerate(titles or ("Sheet1",))}
        self.spreadsheets[id] = Spreadsheet(sheets, {self.email: role} if role else {})
        return id

    def fail(self, *faults: str, after: bool = False) -> None:
        """Answer the next API requests with these faults; with `after`, the next writes, which still take effect."""
        (self._after if after else self._faults).extend(faults)

    def take_faults(self) -> list[str]:
        """Remove and return the faults that no request has met."""
        left = [*self._faults, *self._after]
        self._faults.clear()
        self._after.clear()
        return left

    def token(self, form: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return an access token for an assertion that the account's key has signed."""
        head, claims, signature = form["assertion"][0].split(".")
        claim_set = json.loads(_decoded(claims))
        key = serialization.load_pem_private_key(self.account["private_key"].encode(), None).public_key()
        try:
            key.verify(_decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,union-attr]
        except InvalidSignature:
            raise _bad_grant("Invalid JWT Signature.") from None
        if claim_set["iss"] != self.email or claim_set["aud"] != self.account["token_uri"]:
            raise _bad_grant("Invalid grant: account not found")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (claim_set["iss"], claim_set["scope"])
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, str, bytes, str]:
        """Return status, content type, body, and the name of the active fault, or an empty text."""
        self.requests.append(f"{method} {unquote(urlsplit(target).path)}")
        if self._faults:
            fault = self._faults.pop(0)
            return *FAULTS[fault], fault
        found = _json(self._api(method, target, token, body))
        if self._after and method == "POST":
            fault = self._after.pop(0)
            return *FAULTS[fault], fault
        return 200, "application/json; charset=UTF-8", found, ""

    def _api(self, method: str, target: str, token: str, body: bytes) -> dict[str, Any]:
        split = urlsplit(target)
        found = re.fullmatch(r"/v4/spreadsheets/([^/:]+)(:batchUpdate|/values/(.+))?", split.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if token not in self._tokens:
            raise Refused(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED")
        email, scope = self._tokens[token]
        writes = method == "POST"
        if not scope.startswith(SCOPE) or (writes and scope != SCOPE):
            raise Refused(403, "Request had insufficient authentication scopes.", "PERMISSION_DENIED")
        if found is None:
            raise Refused(404, "Requested entity was not found.", "NOT_FOUND")
        spreadsheet = self.spreadsheets.get(found[1])
        if spreadsheet is None:
            raise Refused(404, "Requested entity was not found.", "NOT_FOUND")
        role = spreadsheet.shared_with.get(email)
        if role is None or (writes and role != "writer"):
            raise Refused(403, "The caller does not have permission", "PERMISSION_DENIED")
        if writes:
            return self._batch_update(found[1], spreadsheet, json.loads(body)["requests"])
        if found[3]:
            return _values(spreadsheet, unquote(found[3]), query.get("valueRenderOption", "FORMATTED_VALUE"))
        return {"sheets": [{"properties": _properties(title, sheet)} for title, sheet in spreadsheet.sheets.items()]}

    def _batch_update(self, id: str, spreadsheet: Spreadsheet, requests: list[dict[str, Any]]) -> dict[str, Any]:
        """Apply all of the requests or none."""
        new = {
            title: Sheet(sheet.id, sheet.rows, sheet.columns, {p: Cell(**vars(c)) for p, c in sheet.cells.items()})
            for title, sheet in spreadsheet.sheets.items()
        }
        by_id = {sheet.id: sheet for sheet in new.values()}
        for number, request in enumerate(requests):
            ((kind, content),) = request.items()
            if kind == "appendDimension":
                sheet = by_id[content["sheetId"]]
                sheet.rows += content["length"] * (content["dimension"] == "ROWS")
                sheet.columns += content["length"] * (content["dimension"] == "COLUMNS")
            elif kind == "updateCells":
                _update_cells(number, by_id[content["range"]["sheetId"]], content)
            else:
                raise Refused(400, f"Invalid requests[{number}]: no {kind} here", "INVALID_ARGUMENT")
        if sum(sheet.rows * sheet.columns for sheet in new.values()) > 10_000_000:
            limit = "This action would increase the number of cells in the workbook above the limit of 10000000 cells."
            raise Refused(400, f"Invalid requests[0].appendDimension: {limit}", "INVALID_ARGUMENT")
        spreadsheet.sheets = new
        self.on_write()
        return {"spreadsheetId": id, "replies": [{} for _ in requests]}


def _properties(title: str, sheet: Sheet) -> dict[str, Any]:
    if not sheet.rows:  # a chart sheet
        return {"sheetId": sheet.id, "title": title}
    return {
        "sheetId": sheet.id,
        "title": title,
        "gridProperties": {"rowCount": sheet.rows, "columnCount": sheet.columns},
    }


def _values(spreadsheet: Spreadsheet, range: str, render: str) -> dict[str, Any]:
    found = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.+))?", range)
    title = found[1].replace("''", "'") if found else ""
    if found is None or title not in spreadsheet.sheets:
        raise Refused(400, f"Unable to parse range: {range}", "INVALID_ARGUMENT")
    sheet = spreadsheet.sheets[title]
    cells = re.fullmatch(r"([A-Z]*)(\d*):([A-Z]*)(\d*)", found[2] or ":")
    assert cells, range
    left, top, right, bottom = (cells[1], cells[2], cells[3], cells[4])
    area = (
        int(top) - 1 if top else 0,
        min(int(bottom) if bottom else sheet.rows, sheet.rows),
        _column(left) - 1 if left else 0,
        min(_column(right) if right else sheet.columns, sheet.columns),
    )
    values = sheet.values(area, render == "FORMATTED_VALUE")
    return {"range": range, "majorDimension": "ROWS"} | ({"values": values} if values else {})


def _update_cells(number: int, sheet: Sheet, content: dict[str, Any]) -> None:
    area = content["range"]
    if area["endRowIndex"] > sheet.rows or area["endColumnIndex"] > sheet.columns:
        raise Refused(
            400,
            f"Invalid requests[{number}].updateCells: GridRange exceeds grid limits. Max rows: {sheet.rows}, max "
            f"columns: {sheet.columns}",
            "INVALID_ARGUMENT",
        )
    assert content["fields"] == "userEnteredValue"
    for row in range(area["startRowIndex"], area["endRowIndex"]):
        for column in range(area["startColumnIndex"], area["endColumnIndex"]):
            if (row, column) in sheet.cells:
                sheet.cells[row, column].value = sheet.cells[row, column].shown = None
    for row, data in enumerate(content["rows"], area["startRowIndex"]):
        for column, cell in enumerate(data.get("values", []), area["startColumnIndex"]):
            if row >= area["endRowIndex"] or column >= area["endColumnIndex"]:
                raise Refused(400, f"Invalid requests[{number}].updateCells: outside of range", "INVALID_ARGUMENT")
            if "userEnteredValue" in cell:
                ((kind, value),) = cell["userEnteredValue"].items()
                expected: Any = {"stringValue": str, "numberValue": (int, float), "boolValue": bool}[kind]
                assert isinstance(value, expected), cell
                sheet.cells.setdefault((row, column), Cell(None)).value = value


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _bad_grant(description: str) -> Refused:
    refused = Refused(400, description, "")
    refused.body = _json({"error": "invalid_grant", "error_description": description})
    return refused


def _handler(google: Google) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a response is two packets, and the second would wait 40 ms

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _serve(self, body: bytes) -> None:
            fault = ""
            try:
                if self.path == "/token":
                    code, kind, sent = 200, "application/json", _json(google.token(parse_qs(body.decode())))
                elif self.path.endswith("/allowedLocations"):  # google-auth asks in a separate thread
                    code, kind, sent = 200, "application/json", _json({"locations": [], "encodedLocations": "0x0"})
                else:
                    token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                    code, kind, sent, fault = google.answer(self.command, self.path, token, body)
            except Refused as refused:
                code, kind, sent = refused.code, "application/json", refused.body
            if fault == "hang-up":
                self.close_connection = True
                return
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(sent) * (2 if fault == "cut off" else 1)))
            self.end_headers()
            self.wfile.write(sent)
            self.close_connection = fault == "cut off"

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def running_google(folder: Path) -> Iterator[tuple[Google, TlsProxy]]:
    """Yield the server, and the proxy that redirects Google's hosts to it, until the block ends."""
    google = Google(folder)
    try:
        with tls_proxy(dict.fromkeys(HOSTS, ("127.0.0.1", google.port))) as proxy:
            yield google, proxy
    finally:
        google.close()


@pytest.fixture(scope="session")
def google_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Google, TlsProxy]]:
    with running_google(tmp_path_factory.mktemp("google")) as both:
        yield both


@pytest.fixture
def google(google_server: tuple[Google, TlsProxy], monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Yield the fake Google, which this process and its subprocesses use. Retries wait only briefly."""
    server, proxy = google_server
    for name, value in proxy.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("daybook.sources.google_sheets.client.FIRST_WAIT", 0.001)
    server.requests.clear()
    server.on_write = lambda: None
    yield server
    left = server.take_faults()
    assert not left, f"no request met {left}"
