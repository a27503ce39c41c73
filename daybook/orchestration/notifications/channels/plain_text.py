"""A notice in plain text, and what every medium does alike: a sign for the tone, one line of many, a long text cut."""

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
"""One sign a tone."""

ON_ITS_PAGE = "on the run's page"
"""Where the rest of an error is."""


def one_line(text: str) -> str:
    """`text`, printable, on one line."""
    return " ".join(printable(text).split())


def clipped(text: str, room: int, cost: Callable[[str], int] = len) -> str:
    """`text`, or as much of its beginning as costs no more than `room` together with the `…` that then ends it.

    `cost` says what a character costs.
    """
    return text if _fits(text, room, cost) else _beginning(text, room - cost("…"), cost).rstrip() + "…"


def shortened(text: str, room: int, cost: Callable[[str], int] = len) -> str:
    """`text`, or its beginning and its end, and between them how much is missing: the end often says what to do."""
    if _fits(text, room, cost):
        return text
    room -= 70  # for the line between
    beginning = _beginning(text, room * 2 // 3, cost)
    end = _beginning(text[::-1], room - room * 2 // 3, cost)[::-1]
    left = len(text) - len(beginning) - len(end)
    return f"{beginning.rstrip()}\n… ({left:,} more characters: {ON_ITS_PAGE})\n{end.lstrip()}"


def plain(notice: Notice) -> str:
    """All that a notice says, in paragraphs: title, facts, error, what it means, command, link, notes, owner."""
    parts = [f"{SIGNS[notice.tone]} {one_line(notice.title)}"]
    parts.append("\n".join(f"{one_line(name)}: {one_line(value)}" for name, value in notice.facts))
    if notice.error:
        parts.append("\n".join(f"    {line}" for line in printable(notice.error).strip().split("\n")))
    parts.append("\n".join(map(one_line, notice.meanwhile)))
    if notice.command:
        parts.append(f"To run: {printable(notice.command).strip()}")
    if notice.link:
        parts.append(f"{one_line(notice.link[0])}: {one_line(notice.link[1])}")
    parts.append("\n".join([*map(one_line, notice.notes), signature(notice)]))
    return "\n\n".join(part for part in parts if part.strip())


def signature(notice: Notice) -> str:
    """Who says it, and to whom."""
    return "Daybook" if notice.owner == "default" else f"Daybook, for {one_line(notice.owner)}"


def _fits(text: str, room: int, cost: Callable[[str], int]) -> bool:
    return len(text) <= room and sum(map(cost, text)) <= room


def _beginning(text: str, room: int, cost: Callable[[str], int]) -> str:
    for place, character in enumerate(text[: room + 1]):
        room -= cost(character)
        if room < 0:
            return text[:place]
    return text
