"""What one message says, whatever it is sent by: Slack's blocks and an e-mail are made of the same."""

from dataclasses import dataclass, field
from enum import StrEnum


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
