"""Render a notice in Slack's Block Kit, for reading on a phone.

All texts are in one column, because two columns wrap badly there. The link is not a button: Slack marks the button of
an app that does not handle clicks with a warning sign.
Limits: https://docs.slack.dev/reference/block-kit/blocks. Escaping: https://docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.artifacts.text import printable
from daybook.orchestration.notifications.plain_text import clipped, headline, one_line, plain, shortened, signature

Block = dict[str, Any]

_HEADER, _TEXT = 150, 3000
_ERROR = 1500  # more is unreadable on a phone, and the run's page has the whole error
_COMMAND = 2900
_LINE, _LABEL, _LINES = 400, 75, 40  # keep texts and the number of blocks below Slack's limits
_URL = 2000
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def text(notice: Notice) -> str:
    """Return the one line that a phone's notification shows."""
    return _escaped(clipped(headline(notice), _LINE, _cost))


def blocks(notice: Notice) -> list[Block]:
    """Return the message: title, facts, error, impact, command, link, small print."""
    found: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": clipped(headline(notice), _HEADER, _width)}}
    ]
    found += _sections(_fact(name, value) for name, value in notice.facts)
    if error := printable(notice.error or "").strip():
        found.append(_section(_code(shortened(error, _ERROR, _cost))))
    found += _sections(_line(sentence) for sentence in notice.impact)
    if command := printable(notice.command or "").strip():
        found.append(_section(_code(clipped(command, _COMMAND, _cost))))
    if notice.link:
        found += _sections([_link(*notice.link)])
    small = [*map(_line, notice.notes[:6]), _line(signature(notice))]
    found.append({"type": "context", "elements": [_mrkdwn("\n".join(filter(None, small)))]})
    return found


def without_blocks(notice: Notice) -> str:
    """Return the whole message as one text, for when Slack refuses the blocks."""
    return _escaped(shortened(plain(notice), _TEXT, _cost))


def _fact(name: str, value: str) -> str:
    name, value = _escaped(clipped(one_line(name), _LABEL, _cost)), _line(value)
    return f"*{name}*: {value}" if name and value else value


def _line(sentence: str) -> str:
    return _escaped(clipped(one_line(sentence), _LINE, _cost))


def _link(name: str, address: str) -> str:
    name, address = _line(name), quote(one_line(address), safe="%/:=&?~#+!$,;'@()*[]")
    try:
        opens = urlsplit(address).scheme in ("http", "https") and len(address) <= _URL
    except ValueError:  # an unclosed bracket
        opens = False
    return f"<{_escaped(address)}|{name or 'Open'}>" if opens else name


def _code(code: str) -> str:
    return f"```\n{_escaped(code)}\n```"


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    """Yield the lines in as few sections as possible. Show only the first of very many lines."""
    kept = [line for line in lines if line]
    if len(kept) > _LINES:
        kept = [*kept[: _LINES - 1], f"… and {len(kept) - _LINES + 1:,} more"]
    section = ""
    for line in kept:
        if section and _width(section) + 1 + _width(line) > _TEXT:
            yield _section(section)
            section = ""
        section = f"{section}\n{line}" if section else line
    if section:
        yield _section(section)


def _section(content: str) -> Block:
    return {"type": "section", "text": _mrkdwn(content)}


def _mrkdwn(content: str) -> Block:
    # Without `verbatim`, Slack turns texts that look like links into links: raw_data.nps, @here.
    return {"type": "mrkdwn", "text": content, "verbatim": True}


def _escaped(content: str) -> str:
    """Escape links, mentions of channels and people, and the ends of a block of code."""
    content = re.sub("`{3,}", lambda found: "'" * len(found[0]), content)
    return "".join(_ESCAPED.get(character, character) for character in content)


def _width(content: str) -> int:
    """Count UTF-16 code units, where an emoji counts twice: Slack may count either way, and this is the larger one."""
    return len(content.encode("utf-16-le")) // 2


def _cost(character: str) -> int:
    """Return the width of a character after escaping."""
    return _width(_ESCAPED.get(character, character))
