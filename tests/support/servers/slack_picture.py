"""Render messages as Slack shows them on a phone, as an HTML page for screenshots.

    python -m tests.support.servers.slack_picture messages.json 0 3 > page.html

renders messages by number from a file of sent payloads, which test_incident_week.py writes.
"""

import html
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 14px; width: 402px; background: #fff; color: #1d1c1d;
       font: 15px/1.46 "Noto Sans", "DejaVu Sans", sans-serif; }}
.message {{ display: flex; gap: 8px; margin-bottom: 14px; }} .message > div {{ min-width: 0; }}
.face {{ flex: 0 0 36px; height: 36px; border-radius: 8px; background: #14532d; color: #fff; font-weight: 700;
        text-align: center; line-height: 36px; }}
.who {{ font-weight: 700; }} .who small {{ color: #616061; font-weight: 400; margin-left: 6px; }}
h4 {{ font-size: 17px; line-height: 1.3; margin: 4px 0 6px; }} section {{ margin: 6px 0; white-space: pre-line; }}
pre {{ margin: 2px 0; padding: 8px; border: 1px solid #ddd; border-radius: 4px; background: #f8f8f8;
      white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 "DejaVu Sans Mono", monospace; }}
a {{ color: #1264a3; text-decoration: none; }} .context {{ color: #616061; font-size: 12px; white-space: pre-line; }}
</style>{}"""


def page(payloads: Sequence[Mapping[str, Any]]) -> str:
    """Return a page with these messages, one below the other."""
    messages = (
        f'<div class="message"><div class="face">D</div><div>{"".join(_parts(one))}</div></div>' for one in payloads
    )
    return _PAGE.format("".join(messages))


def _parts(payload: Mapping[str, Any]) -> Iterator[str]:
    yield '<div class="who">Daybook<small>APP</small></div>'
    if "blocks" not in payload:
        yield f"<section>{_mrkdwn(payload['text'])}</section>"
    for block in payload.get("blocks", ()):
        if block["type"] == "header":
            yield f"<h4>{html.escape(block['text']['text'])}</h4>"
        elif block["type"] == "section":
            yield f"<section>{_mrkdwn(block['text']['text'])}</section>"
        elif block["type"] == "context":
            yield f'<div class="context">{"<br>".join(_mrkdwn(one["text"]) for one in block["elements"])}</div>'


def _mrkdwn(text: str) -> str:
    """Return Slack's markup as HTML. Its texts already have &, < and > escaped."""
    pieces = re.split(r"```\n?(.*?)\n?```", text, flags=re.DOTALL)
    return "".join(f"<pre>{piece}</pre>" if number % 2 else _inline(piece) for number, piece in enumerate(pieces))


def _inline(text: str) -> str:
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = text.replace(":hourglass_flowing_sand:", "⏳")
    return re.sub(r"(?m)(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", text)


if __name__ == "__main__":
    sent = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(page([sent[int(number)] for number in sys.argv[2:]]))
