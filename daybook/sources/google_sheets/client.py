"""A spreadsheet, as a service account sees it: quotas and faults are waited out, and Google's errors become advice.

gspread is used for what it knows of the API. Its own retries are not: they wait for things that never pass.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from daybook.errors import DaybookError
from daybook.extras import extra

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials
    from gspread.exceptions import APIError
    from gspread.http_client import HTTPClient

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: What an account asks for: to read spreadsheets, or to write them as well.
READ = "https://www.googleapis.com/auth/spreadsheets.readonly"
WRITE = "https://www.googleapis.com/auth/spreadsheets"

#: Quotas are refilled every minute: the waits (1, 2, 4 … 64 s, and up to a second more) last longer than two.
ATTEMPTS, FIRST_WAIT, LONGEST_WAIT = 8, 1.0, 64.0
#: Seconds to connect, and between two bytes: Google gives up a request after 180.
_TIMEOUTS = (10, 200)
_ANSWER_SHOWN = 300  # characters of Google's answer in an error
_ID = re.compile(r"(?:https://docs\.google\.com/spreadsheets/(?:u/\d+/)?d/)?([A-Za-z0-9_-]+)(?:[/?#].*)?")


def spreadsheet_id(text: str) -> str:
    """The id of a spreadsheet, given as itself or as the address that a browser shows. Raises ValueError."""
    found = _ID.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text!r} names no spreadsheet: give its id, or its address, https://docs.google.com/spreadsheets/d/…"
        )
    return found[1]


class Spreadsheet:
    """A spreadsheet with the rights of an account. Nothing is asked before a method is called.

    `what` names the work in logs and errors. What will not pass by itself raises `failed`, what may `lost`, both with
    the story and what to do about it.
    """

    def __init__(
        self,
        credentials: "Credentials",
        spreadsheet: str,
        scope: str,
        *,
        what: str,
        failed: Callable[[str], DaybookError],
        lost: Callable[[str], DaybookError],
    ) -> None:
        with extra("sheets"):  # only here: nothing else in this module runs before
            from gspread.client import Client

        self.id = spreadsheet
        self._what, self._failed, self._lost, self._email = what, failed, lost, credentials.service_account_email
        self._role = "Viewer" if scope == READ else "Editor"
        client = Client(credentials.with_scopes([scope]))
        client.set_timeout(_TIMEOUTS)
        self._http = client.http_client

    def values(self, range: str, render: str) -> tuple[list[list[Any]], datetime]:
        """The rows of `range` (A1 notation) in one request, and a moment before which they were so, by Google's clock.

        `render` is FORMATTED_VALUE, for texts as people see them, or UNFORMATTED_VALUE. Empty cells at a row's end and
        empty rows at the sheet's end are left out.
        """
        from gspread.urls import SPREADSHEET_VALUES_URL
        from gspread.utils import quote

        url = SPREADSHEET_VALUES_URL % (self.id, quote(range))

        def ask(http: "HTTPClient") -> tuple[list[list[Any]], datetime]:
            answer = http.request("get", url, params={"valueRenderOption": render, "majorDimension": "ROWS"})
            rows = _object(answer.json()).get("values", [])
            told = answer.headers.get("Date")
            return rows, parsedate_to_datetime(told) - answer.elapsed if told else datetime.now(UTC)

        return self.ask(ask)

    def sheets(self) -> dict[str, dict[str, Any]]:
        """The properties of every sheet by its title: `sheetId`, and, of those with cells, `gridProperties`."""
        fields = "sheets.properties(sheetId,title,gridProperties(rowCount,columnCount))"
        found = self.ask(lambda http: _object(http.fetch_sheet_metadata(self.id, params={"fields": fields})))
        return {sheet["properties"]["title"]: sheet["properties"] for sheet in found["sheets"]}

    def refused(self, why: str) -> DaybookError:
        """The error to raise for what will not pass by itself."""
        return self._failed(f"{self._what}: {why}")

    def ask(self, request: Callable[["HTTPClient"], T]) -> T:
        """What `request` makes of gspread's client: again after what may pass, within ATTEMPTS."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential_jitter(multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT),
            retry=tenacity.retry_if_exception(_passes),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            return retrying(request, self._http)
        except Exception as error:
            reason = _reason(error)
            if reason is None:
                raise
            if _passes(error):
                raise self._lost(f"{self._what}: {reason}, {ATTEMPTS} times. Try again later{_quota(error)}") from None
            raise self.refused(self._explained(error, reason)) from None

    def _tell(self, state: tenacity.RetryCallState) -> None:
        reason = _reason(state.outcome.exception() if state.outcome else None)
        wait = state.next_action.sleep if state.next_action else 0
        logger.warning(
            "%s: try %d of %d: %s; again in %.1f s", self._what, state.attempt_number, ATTEMPTS, reason, wait
        )

    def _explained(self, error: BaseException, reason: str) -> str:
        status, said = _status(error), reason.lower()
        if status == 404:
            return f"there is no spreadsheet {self.id}, or it was deleted ({reason}). Correct its id or address"
        if status == 403 and ("has not been used" in said or "disabled" in said):
            return f"the Google Sheets API is off in the project of {self._email}: {reason}"
        if status == 403:
            return (
                f"{self._email} may not {'read' if self._role == 'Viewer' else 'write'} the spreadsheet {self.id} "
                f"({reason}). Share it with that address, as {self._role}"
            )
        if status == 400 and "not supported for this document" in said:
            return (
                f"{self.id} is no Google Sheet but an uploaded file, such as Excel's ({reason}). Save it as a Google "
                "Sheet (File, Save as Google Sheets), and use the id of that"
            )
        if status == 400 and "unable to parse range" in said:
            return (
                f"the spreadsheet {self.id} has no such sheet ({reason}); it has {', '.join(map(repr, self.sheets()))}"
            )
        if status is None or status == 401:
            return f"Google does not take the key of {self._email}: {reason}. Give its block a key that is valid"
        return f"Google refused: {reason}"


def _object(answer: Any) -> Mapping[str, Any]:
    """What Google answers is a JSON object; anything else is a fault that may pass."""
    from requests.exceptions import JSONDecodeError

    if not isinstance(answer, dict):
        raise JSONDecodeError("no JSON object", str(answer)[:20], 0)
    return answer


def _status(error: BaseException | None) -> int | None:
    """The HTTP status of an answer that gspread made an error of."""
    return error.response.status_code if _is_answer(error) else None  # type: ignore[union-attr]


def _is_answer(error: BaseException | None) -> bool:
    from gspread.exceptions import APIError

    return isinstance(error, APIError)


def _passes(error: BaseException) -> bool:
    """Whether the same request may well work some time later."""
    from google.auth.exceptions import RefreshError, TransportError
    from requests import exceptions

    status = _status(error)
    if status is not None:
        return status in (408, 429) or status >= 500
    if isinstance(error, RefreshError):
        return error.retryable
    garbled = (exceptions.JSONDecodeError, exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)
    return isinstance(error, (TransportError, exceptions.ConnectionError, exceptions.Timeout, *garbled))


def _reason(error: BaseException | None) -> str | None:
    """What went wrong, in a line, without anything of the request; None for what is neither Google's nor the net's."""
    from google.auth.exceptions import GoogleAuthError, RefreshError
    from requests.exceptions import JSONDecodeError, RequestException

    if _is_answer(error):
        return _said(error)  # type: ignore[arg-type]
    if isinstance(error, JSONDecodeError):
        return "the answer is no JSON: a page, or cut off"
    if isinstance(error, RefreshError):
        return _short(error.args[0] if error.args else "")
    if isinstance(error, GoogleAuthError | RequestException):
        return f"no answer ({type(error).__name__})"
    return None


def _said(error: "APIError") -> str:
    status, message = error.response.status_code, error.error.get("message", "")
    # gspread gives the code -1 to an answer that is none of Google's API, and the whole page for its message
    return f"HTTP {status}" if error.code == -1 else f"HTTP {status}: {_short(message)}"


def _short(text: Any) -> str:
    return " ".join(str(text).split())[:_ANSWER_SHOWN]


def _quota(error: BaseException) -> str:
    if _status(error) != 429:
        return ""
    return ", or at another minute than the other runs: a project has 300 requests a minute, an account 60"
