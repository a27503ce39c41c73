"""Classify Yahoo's answers to a request for a symbol."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

_NO_DATA = "Data doesn't exist"  # "… for startDate = …", status 400: before the first price or after the last one
_DOWN = "Will be right back"  # Yahoo's page when it is down, with status 200
_ANSWER_SHOWN = 60  # characters of an answer in an error


class YahooStatus(Enum):
    """The reason why there are no prices. Each value is its message, with the remedy."""

    NOTHING = "Yahoo has no prices for these days"
    UNKNOWN = "the symbol is unknown to Yahoo, or was delisted: correct symbols: in the table file, or remove it"
    REFUSED = "Yahoo refused to answer: look up the symbol in a browser; if it exists, run the load again later"
    MISSING = "Yahoo has no prices for days on which the exchange had a session: run the load again later"
    RATE_LIMITED = "Yahoo limits the rate of requests: run the load again later"
    DOWN = "Yahoo is down: run the load again later"
    GARBLED = "Yahoo's answer is cut off, or contains no prices: run the load again later"
    UNREACHABLE = "Yahoo could not be reached: run the load again later"
    NOT_ASKED = "it was not requested: run the load again later"

    @property
    def may_pass(self) -> bool:
        """Return True if a retry can succeed."""
        return self not in (YahooStatus.NOTHING, YahooStatus.UNKNOWN, YahooStatus.REFUSED)


class Unanswered(Exception):
    """Yahoo has sent no prices of a symbol. The message has the reason and the remedy."""

    def __init__(self, outcome: YahooStatus, detail: str = "", answer: "Answer | None" = None) -> None:
        super().__init__(f"{outcome.value} ({detail})" if detail else outcome.value)
        self.outcome, self.answer = outcome, answer


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and the text of Yahoo's answer."""

    status: int
    text: str

    def reason(self) -> Unanswered:
        """Return the reason why the answer has no prices."""
        if self.status == 429:
            return self._because(YahooStatus.RATE_LIMITED)
        if self.status >= 500 or _DOWN in self.text:
            return self._because(YahooStatus.DOWN)
        try:
            chart = json.loads(self.text)["chart"]
            error = chart["error"] or {}
            code, description = str(error.get("code", "")), str(error.get("description", ""))
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._because(YahooStatus.REFUSED if self.status >= 400 else YahooStatus.GARBLED)
        if self.status == 404 or code == "Not Found":
            return Unanswered(YahooStatus.UNKNOWN, description, self)
        if description.startswith(_NO_DATA) or (not error and self._quotes() == [{}]):
            return Unanswered(YahooStatus.NOTHING, description, self)
        return self._because(YahooStatus.REFUSED if error or self.status >= 400 else YahooStatus.GARBLED)

    @property
    def meta(self) -> dict[str, Any]:
        """Return Yahoo's metadata about the symbol, or an empty dict if the answer has none."""
        try:
            meta = json.loads(self.text)["chart"]["result"][0]["meta"]
        except (ValueError, TypeError, KeyError, IndexError):
            return {}
        return meta if isinstance(meta, dict) else {}

    def day_of(self, field: str) -> date | None:
        """Return the day of an instant in `meta`, by the exchange's clock, or None if the answer lacks it."""
        seconds, zone = self.meta.get(field), self.meta.get("exchangeTimezoneName")
        if not isinstance(seconds, int) or not isinstance(zone, str):
            return None
        return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).date()

    def _quotes(self) -> Any:
        try:
            return json.loads(self.text)["chart"]["result"][0]["indicators"]["quote"]
        except (TypeError, KeyError, IndexError):
            return None

    def _because(self, outcome: YahooStatus) -> Unanswered:
        start = " ".join(self.text[: 2 * _ANSWER_SHOWN].split())[:_ANSWER_SHOWN]
        return Unanswered(outcome, f"status {self.status}, {start!r}", self)
