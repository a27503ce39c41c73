"""What can come of asking Yahoo for a symbol, told apart by what Yahoo answered."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

_NOT_THEN = "Data doesn't exist"  # for startDate = …: status 400, before the first price and after the last one
_DOWN = "Will be right back"  # Yahoo's page when it is down, with status 200
_ANSWER_SHOWN = 60  # characters of an answer in an error


class YahooStatus(Enum):
    """Why there are no prices. The values say it in words, and what to do."""

    NOTHING = "Yahoo has no prices of these days"
    UNKNOWN = "Yahoo knows no such symbol, or it was delisted: correct symbols: in the table file, or take it out"
    REFUSED = "Yahoo refused to answer: look at the symbol in a browser; if it is there, run it again later"
    MISSING = "Yahoo has no prices of days on which the exchange had a session: run it again later"
    RATE_LIMITED = "Yahoo limits the rate of requests: run it again later"
    DOWN = "Yahoo is down: run it again later"
    GARBLED = "Yahoo's answer is cut off, or no prices at all: run it again later"
    UNREACHABLE = "Yahoo could not be reached: run it again later"
    NOT_ASKED = "it was not asked for: run it again later"

    @property
    def may_pass(self) -> bool:
        """Whether the same request may well be answered some time later."""
        return self not in (YahooStatus.NOTHING, YahooStatus.UNKNOWN, YahooStatus.REFUSED)


class Unanswered(Exception):
    """There are no prices of a symbol. The message is for a person."""

    def __init__(self, outcome: YahooStatus, detail: str = "", answer: "Answer | None" = None) -> None:
        super().__init__(f"{outcome.value} ({detail})" if detail else outcome.value)
        self.outcome, self.answer = outcome, answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What Yahoo's server sent: the HTTP status, and the text."""

    status: int
    text: str

    def reason(self) -> Unanswered:
        """Why no prices could be read from it."""
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
        if description.startswith(_NOT_THEN) or (not error and self._quotes() == [{}]):
            return Unanswered(YahooStatus.NOTHING, description, self)
        return self._because(YahooStatus.REFUSED if error or self.status >= 400 else YahooStatus.GARBLED)

    @property
    def meta(self) -> dict[str, Any]:
        """What Yahoo says of the symbol itself; nothing where it says nothing."""
        try:
            meta = json.loads(self.text)["chart"]["result"][0]["meta"]
        except (ValueError, TypeError, KeyError, IndexError):
            return {}
        return meta if isinstance(meta, dict) else {}

    def day_of(self, field: str) -> date | None:
        """The day of an instant in `meta`, on the exchange's own clock; None where Yahoo does not tell."""
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
        begins = " ".join(self.text[: 2 * _ANSWER_SHOWN].split())[:_ANSWER_SHOWN]
        return Unanswered(outcome, f"status {self.status}, {begins!r}", self)
