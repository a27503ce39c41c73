"""The content of one message, independent of the channel that sends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from daybook.redaction import without_secrets


class Tone(StrEnum):
    """The kind of a message. Each kind has its own emoji, shown before the title."""

    FAILED = "failed"
    LATE = "late"
    WARNED = "warned"
    STILL = "still"
    """A follow-up on an open incident that still fails or got worse."""
    RECOVERED = "recovered"
    NOTE = "note"
    """Information without a problem, such as the weekly metrics."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. Its texts are plain (no markup), without secrets, and of any length."""

    tone: Tone
    title: str
    """One line, short enough for a lock screen: `raw_data.nps failed: 2021-02-05`."""
    facts: tuple[tuple[str, str], ...] = ()
    """Short facts by name, in reading order: `("Task", "load"), ("Attempts", "2")`."""
    error: str | None = None
    """The text of the error."""
    impact: tuple[str, ...] = ()
    """The consequences: one sentence about what readers see, one about what is blocked."""
    command: str | None = None
    """The command to run."""
    link: tuple[str, str] | None = None
    """A link's text and its URL: `("View run", "http://…")`."""
    owner: str = "default"
    """The owner that the message is for, as in `owner:` of a table file."""
    incident: str | None = None
    """The ID of the incident, whose messages form one thread. None: the message belongs to no incident."""
    notes: tuple[str, ...] = field(default=())
    """Additional remarks, in small print."""


def without_secrets_in(notice: Notice, known: Iterable[str] = ()) -> Notice:
    """Return the notice with the secrets in its texts redacted by `without_secrets`. Its link is not changed."""
    known = tuple(known)

    def clean(text: str) -> str:
        return without_secrets(text, known)

    return replace(
        notice,
        title=clean(notice.title),
        facts=tuple((name, clean(value)) for name, value in notice.facts),
        error=None if notice.error is None else clean(notice.error),
        impact=tuple(map(clean, notice.impact)),
        command=None if notice.command is None else clean(notice.command),
        notes=tuple(map(clean, notice.notes)),
    )
