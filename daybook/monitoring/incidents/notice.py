"""What one message says, whatever it is sent by: Slack's blocks and an e-mail are made of the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from daybook.redaction import without_secrets


class Tone(StrEnum):
    """How a message is meant. Each has one sign, which is seen before a word is read."""

    FAILED = "failed"
    LATE = "late"
    WARNED = "warned"
    STILL = "still"
    """A word more on an incident that was told: still failing, or worse than it was."""
    RECOVERED = "recovered"
    NOTE = "note"
    """Nothing is wrong: the weekly figures."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. Its texts are plain (no markup of Slack's or HTML's), without secrets, and of any length."""

    tone: Tone
    title: str
    """Says all that a lock screen has room for: `raw_data.nps failed: 2021-02-05`."""
    facts: tuple[tuple[str, str], ...] = ()
    """Short ones, by name, in the order in which they are read: `("Task", "load"), ("Tries", "2")`."""
    error: str | None = None
    """The error's own words."""
    meanwhile: tuple[str, ...] = ()
    """What it means: a sentence for what readers see, one for what is held back."""
    command: str | None = None
    """What to type."""
    link: tuple[str, str] | None = None
    """What is opened, and its address: `("The run", "http://…")`."""
    owner: str = "default"
    """Whom it is for, as in `owner:` of a table's file."""
    incident: str | None = None
    """Which incident it belongs to: all messages of one are one thread. None: it stands alone."""
    notes: tuple[str, ...] = field(default=())
    """What else is good to know, in small print."""


def without_secrets_in(notice: Notice, known: Iterable[str] = ()) -> Notice:
    """The same without secrets in any of its texts, as `without_secrets` takes them out; its link stays as it is."""
    known = tuple(known)

    def clean(text: str) -> str:
        return without_secrets(text, known)

    return replace(
        notice,
        title=clean(notice.title),
        facts=tuple((name, clean(value)) for name, value in notice.facts),
        error=None if notice.error is None else clean(notice.error),
        meanwhile=tuple(map(clean, notice.meanwhile)),
        command=None if notice.command is None else clean(notice.command),
        notes=tuple(map(clean, notice.notes)),
    )
