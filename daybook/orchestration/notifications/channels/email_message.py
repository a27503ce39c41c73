"""A notice as an e-mail: plain text and HTML, in the order of the Slack message."""

from collections.abc import Iterator, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from html import escape

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts.text import printable
from daybook.orchestration.notifications.channels.plain_text import (
    SIGNS,
    clipped,
    one_line,
    plain,
    shortened,
    signature,
)

_SUBJECT, _ERROR = 200, 20_000
_COLOURS = {
    Tone.FAILED: "#c62828",
    Tone.STILL: "#c62828",
    Tone.LATE: "#e65100",
    Tone.WARNED: "#b58900",
    Tone.RECOVERED: "#2e7d32",
    Tone.NOTE: "#607d8b",
}
_PAGE = "font:15px/1.45 -apple-system,'Segoe UI',Roboto,sans-serif;color:#222;max-width:640px"
_CODE = "font:13px/1.4 Menlo,Consolas,monospace;background:#f4f4f4;border-radius:4px;padding:10px;white-space:pre-wrap"


def message(notice: Notice, sender: str, to: Sequence[str], thread: str = "") -> EmailMessage:
    """The e-mail from `sender` to the addresses `to`; its Message-ID is new, and begins a thread.

    `thread` is the Message-ID of the first e-mail of its incident: mail programs show this one below it.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = clipped(one_line(notice.title), _SUBJECT) or "Daybook"
    mail["From"] = Address("Daybook", addr_spec=sender)
    mail["To"] = ", ".join(to)
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # nobody's "I am on holiday" comes back
    if thread:
        mail["In-Reply-To"] = mail["References"] = thread
    mail.set_content(plain(notice))
    mail.add_alternative("\n".join(_html(notice)), subtype="html")
    return mail


def _html(notice: Notice) -> Iterator[str]:
    yield f'<div style="{_PAGE}">'
    yield (
        f'<h2 style="font-size:18px;border-left:6px solid {_COLOURS[notice.tone]};padding-left:10px">'
        f"{SIGNS[notice.tone]} {escape(one_line(notice.title))}</h2>"
    )
    if notice.facts:
        yield "<p>" + "<br>\n".join(_fact(name, value) for name, value in notice.facts) + "</p>"
    if error := printable(notice.error or "").strip():
        yield f'<pre style="{_CODE}">{escape(shortened(error, _ERROR))}</pre>'
    for sentence in notice.meanwhile:
        yield f"<p>{escape(one_line(sentence))}</p>"
    if command := printable(notice.command or "").strip():
        yield f'<pre style="{_CODE}">{escape(command)}</pre>'
    if notice.link:
        name, address = map(one_line, notice.link)
        opens = address.startswith(("http://", "https://"))
        yield f'<p><a href="{escape(address)}">{escape(name)}</a></p>' if opens else f"<p>{escape(name)}</p>"
    small = [*map(one_line, notice.notes), signature(notice)]
    yield f'<p style="font-size:12px;color:#777">{"<br>".join(map(escape, small))}</p></div>'


def _fact(name: str, value: str) -> str:
    return f"<b>{escape(one_line(name))}</b>: {escape(one_line(value))}"
