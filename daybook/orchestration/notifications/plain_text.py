"""Render a notice as plain text, with helpers that all channels share: emoji, one-line and shortened texts."""

from collections.abc import Callable

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts.text import printable

SIGNS = {
    Tone.FAILED: "🟥",
    Tone.LATE: "🟧",
    Tone.WARNED: "🟨",
    Tone.STILL: "🔴",
    Tone.RECOVERED: "🟩",
    Tone.NOTE: "⬜",
}
"""The emoji of each tone."""

_CUT = 70  # characters of the line that replaces the middle of a long text


def one_line(text: str) -> str:
    """Return `text` on one line, without characters that cannot be printed."""
    return " ".join(printable(text).split())


def clipped(text: str, room: int, cost: Callable[[str], int] = len) -> str:
    """Return `text`, or its beginning and `…`, so that the cost of all characters is at most `room`.

    `cost` returns the cost of one character.
    """
    return text if _fits(text, room, cost) else _beginning(text, room - cost("…"), cost).rstrip() + "…"


def shortened(text: str, room: int, cost: Callable[[str], int] = len) -> str:
    """Return `text`, or its beginning and its end with a line between them that counts the missing characters.

    Keeps the end because it often says how to fix an error. If `room` is too small for both, returns the beginning.
    """
    if _fits(text, room, cost):
        return text
    if room < 2 * _CUT:
        return clipped(text, room, cost)
    room -= _CUT
    beginning = _beginning(text, room * 2 // 3, cost)
    end = _beginning(text[::-1], room - room * 2 // 3, cost)[::-1]
    left = len(text) - len(beginning) - len(end)
    return f"{beginning.rstrip()}\n… ({left:,} more characters on the run's page)\n{end.lstrip()}"


def headline(notice: Notice) -> str:
    """Return the emoji and the title of a notice, on one line."""
    return f"{SIGNS[notice.tone]} {one_line(notice.title)}".strip()


def plain(notice: Notice) -> str:
    """Return the whole notice in paragraphs: the title, then `body`."""
    return "\n\n".join([headline(notice), body(notice)])


def body(notice: Notice) -> str:
    """Return a notice without its title: facts, error, impact, command, link, notes, signature."""
    parts = ["\n".join(f"{one_line(name)}: {one_line(value)}" for name, value in notice.facts)]
    if notice.error:
        parts.append("\n".join(f"    {line}" for line in printable(notice.error).strip().split("\n")))
    parts.append("\n".join(map(one_line, notice.impact)))
    if notice.command:
        parts.append(f"To run: {printable(notice.command).strip()}")
    if notice.link:
        parts.append(f"{one_line(notice.link[0])}: {one_line(notice.link[1])}")
    parts.append("\n".join([*map(one_line, notice.notes), signature(notice)]))
    return "\n\n".join(part for part in parts if part.strip())


def signature(notice: Notice) -> str:
    """Return the sender of the notice, and the owner that it is for."""
    return "Daybook" if notice.owner == "default" else f"Daybook, for {one_line(notice.owner)}"


def _fits(text: str, room: int, cost: Callable[[str], int]) -> bool:
    return len(text) <= room and sum(map(cost, text)) <= room


def _beginning(text: str, room: int, cost: Callable[[str], int]) -> str:
    for place, character in enumerate(text[: room + 1]):
        room -= cost(character)
        if room < 0:
            return text[:place]
    return text
