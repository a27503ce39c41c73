"""A client for one spreadsheet, with a service account. It retries, and explains Google's errors.

It uses gspread for the API, but not gspread's retries, which also retry permanent errors.
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

#: The scopes of the account: to read spreadsheets, or to read and write them.
READ = "https://www.googleapis.com/auth/spreadsheets.readonly"
WRITE = "https://www.googleapis.com/auth/spreadsheets"

#: Quotas are refilled every minute. All waits together (1, 2, 4 … 64 s, plus up to a second each) exceed two minutes.
ATTEMPTS, FIRST_WAIT, LONGEST_WAIT = 8, 1.0, 64.0
#: Seconds to connect, and between two bytes. Google aborts a request after 180.
_TIMEOUTS = (10, 200)
_ANSWER_SHOWN = 300  # characters of Google's answer in an error
_ID = re.compile(r"(?:https://docs\.google\.com/spreadsheets/(?:u/\d+/)?d/)?([A-Za-z0-9_-]+)(?:[/?#].*)?")


def spreadsheet_id(text: str) -> str:
    """Return the id of a spreadsheet from the id itself or its address in a browser. Raise ValueError for others."""
    found = _ID.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text!r} is not a spreadsheet: give its id, or its address, https://docs.google.com/spreadsheets/d/…"
        )
    return found[1]


class Spreadsheet:
    """A spreadsheet with the permissions of an account. It sends no request before a method is called.

    `what` names the work in logs and errors. Permanent failures raise `failed`. Temporary failures raise `lost` after
    the last retry. Both messages have the reason and the remedy.
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
        with extra("sheets"):  # here is enough: nothing else in this module runs before
            from gspread.client import Client

        self.id = spreadsheet
        self._what, self._failed, self._lost, self._email = what, failed, lost, credentials.service_account_email
        self._role = "Viewer" if scope == READ else "Editor"
        client = Client(credentials.with_scopes([scope]))
        client.set_timeout(_TIMEOUTS)
        self._http = client.http_client

    def values(self, range: str, render: str) -> tuple[list[list[Any]], datetime]:
        """Read the rows of `range` (A1 notation) in one request.

        `render` is FORMATTED_VALUE, for the texts that people see, or UNFORMATTED_VALUE. Google leaves out empty cells
        at the end of a row, and empty rows at the end of the sheet.

        Returns:
            The rows, and the time of the request by Google's clock, in UTC. The rows contain all earlier changes.
        """
        from gspread.urls import SPREADSHEET_VALUES_URL
        from gspread.utils import quote

        url = SPREADSHEET_VALUES_URL % (self.id, quote(range))

        def get(http: "HTTPClient") -> tuple[list[list[Any]], datetime]:
            answer = http.request("get", url, params={"valueRenderOption": render, "majorDimension": "ROWS"})
            rows = _object(answer.json()).get("values", [])
            date = answer.headers.get("Date")
            return rows, parsedate_to_datetime(date) - answer.elapsed if date else datetime.now(UTC)

        return self.ask(get)

    def sheets(self) -> dict[str, dict[str, Any]]:
        """Return the properties of every sheet by its title: `sheetId`, and `gridProperties` for sheets with cells."""
        fields = "sheets.properties(sheetId,title,gridProperties(rowCount,columnCount))"
        found = self.ask(lambda http: _object(http.fetch_sheet_metadata(self.id, params={"fields": fields})))
        return {sheet["properties"]["title"]: sheet["properties"] for sheet in found["sheets"]}

    def refused(self, why: str) -> DaybookError:
        """Return the error for a permanent failure."""
        return self._failed(f"{self._what}: {why}")

    def ask(self, request: Callable[["HTTPClient"], T]) -> T:
        """Call `request` with gspread's client. Retry temporary failures, up to ATTEMPTS tries in all."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)
            + tenacity.wait_random(0, FIRST_WAIT),
            retry=tenacity.retry_if_exception(_passes),
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(request, self._http)
        except Exception as error:
            reason = _reason(error)
            if reason is None:
                raise
            if _passes(error):
                raise self._lost(
                    f"{self._what}: {reason}, after {ATTEMPTS} tries. Retry later{_quota(error)}"
                ) from None
            raise self.refused(self._explained(error, reason)) from None

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        reason = _reason(state.outcome.exception() if state.outcome else None)
        wait = state.next_action.sleep if state.next_action else 0
        logger.warning(
            "%s: try %d of %d: %s; retry in %.1f s", self._what, state.attempt_number, ATTEMPTS, reason, wait
        )

    def _explained(self, error: BaseException, reason: str) -> str:
        status, text = _status(error), reason.lower()
        if status == 404:
            return f"the spreadsheet {self.id} does not exist, or was deleted ({reason}). Correct its id or address"
        if status == 403 and ("has not been used" in text or "disabled" in text):
            return f"the Google Sheets API is not enabled in the project of {self._email}: {reason}"
        if status == 403:
            return (
                f"{self._email} cannot {'read' if self._role == 'Viewer' else 'write'} the spreadsheet {self.id} "
                f"({reason}). Share it with that address, as {self._role}"
            )
        if status == 400 and "not supported for this document" in text:
            return (
                f"{self.id} is not a Google Sheet but an uploaded file, such as an Excel file ({reason}). Save it as a "
                "Google Sheet (File, Save as Google Sheets), and use the id of the new sheet"
            )
        if status == 400 and "unable to parse range" in text:
            return (
                f"the spreadsheet {self.id} has no such sheet ({reason}); it has {', '.join(map(repr, self.sheets()))}"
            )
        if status is None or status == 401:
            return f"Google does not accept the key of {self._email}: {reason}. Put a valid key into its block"
        return f"Google refused the request: {reason}"


def _object(answer: Any) -> Mapping[str, Any]:
    """Return an answer that is a JSON object. Raise JSONDecodeError, a temporary failure, for any other answer."""
    from requests.exceptions import JSONDecodeError

    if not isinstance(answer, dict):
        raise JSONDecodeError("not a JSON object", str(answer)[:20], 0)
    return answer


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status of an answer that gspread has raised as an error, or None for any other error."""
    return error.response.status_code if _is_answer(error) else None  # type: ignore[union-attr]


def _is_answer(error: BaseException | None) -> bool:
    from gspread.exceptions import APIError

    return isinstance(error, APIError)


def _passes(error: BaseException) -> bool:
    """Return True if a retry can succeed."""
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
    """Return the reason on one line, without parts of the request. None: not an error of Google or the network."""
    from google.auth.exceptions import GoogleAuthError, RefreshError
    from requests.exceptions import JSONDecodeError, RequestException

    if _is_answer(error):
        return _message(error)  # type: ignore[arg-type]
    if isinstance(error, JSONDecodeError):
        return "the answer is not JSON: it is a web page, or cut off"
    if isinstance(error, RefreshError):
        return _short(error.args[0] if error.args else "")
    if isinstance(error, GoogleAuthError | RequestException):
        return f"no answer ({type(error).__name__})"
    return None


def _message(error: "APIError") -> str:
    status, message = error.response.status_code, error.error.get("message", "")
    # if an answer is not from Google's API, gspread sets the code -1, and the whole page as the message
    return f"HTTP {status}" if error.code == -1 else f"HTTP {status}: {_short(message)}"


def _short(text: Any) -> str:
    return " ".join(str(text).split())[:_ANSWER_SHOWN]


def _quota(error: BaseException) -> str:
    if _status(error) != 429:
        return ""
    return ", or not in the same minute as other runs: the quota is 300 requests a minute per project, 60 per account"
