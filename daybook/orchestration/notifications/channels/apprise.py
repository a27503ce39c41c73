"""Apprise: one URL per service, for a hundred services: Teams, PagerDuty, Discord, Telegram, ntfy, SMS, …

Apprise has no threads, so each notice is a separate message. Apprise reports failures only in its log. This module
reads the HTTP status there, and discards the log lines: they may contain URLs, which are secrets.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Annotated, Self

from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts.text import printable
from daybook.orchestration.blocks import apprise_urls
from daybook.orchestration.blocks.open import existing
from daybook.orchestration.notifications.channel import ONE_OR_MORE, Channel
from daybook.orchestration.notifications.errors import DeliveryFailed, DeliveryRefused, NotConfigured
from daybook.orchestration.notifications.plain_text import body, clipped, headline, one_line, shortened, signature

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

_VARIABLE = "DAYBOOK_APPRISE_URLS"
_REMEDY = f"{_VARIABLE}, and run `daybook blocks`"
_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_TYPES = {
    Tone.FAILED: "failure",
    Tone.STILL: "failure",
    Tone.LATE: "warning",
    Tone.WARNED: "warning",
    Tone.RECOVERED: "success",
    Tone.NOTE: "info",
}
_TITLE, _TEXT = 200, 4000  # characters; a service may take fewer
_JOIN = 20  # characters with which Apprise joins title and text, for services without titles


@dataclass(frozen=True)
class Apprise(Channel):
    """Send to one URL of Apprise, in the block `Secret/apprise-<name>`."""

    name = "apprise"
    address_type = Annotated[tuple[str, ...], ONE_OR_MORE]
    variables = (_VARIABLE,)
    yaml_help = f"A name of {_VARIABLE}, or a list of them: `on-call`."

    target: str
    """The name of the URL."""
    url: str | None = field(repr=False)
    """None: there is no block."""

    @property
    def key(self) -> str:
        """Return the channel's name and the URL's name, so that one failed URL is retried without the others."""
        return f"{self.name}:{self.target}"

    @classmethod
    def open(cls, client: SyncPrefectClient, address: Sequence[str] | None) -> Sequence[Self]:
        """Open the block of each name that an owner lists. Raises NotConfigured if an entry is not a name."""
        if not address:
            return ()
        if not all(re.fullmatch(apprise_urls.NAME, name) for name in address):
            # Not an error of the file: that would show the value, which may be a URL.
            raise NotConfigured(
                f"`apprise:` in tables/owners.yaml takes names from {_VARIABLE}, such as on-call, not URLs"
            )
        from prefect.blocks.system import Secret

        blocks = {name: existing(client, Secret, f"apprise-{name}", _VARIABLE) for name in address}
        return [cls(name, str(block.get()) if block else None) for name, block in blocks.items()]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], address: Sequence[str] | None) -> Sequence[Self]:
        """Open the URLs of an owner's names that are in DAYBOOK_APPRISE_URLS. Raises BadValue."""
        urls = apprise_urls.read(environ.get(_VARIABLE, "")) if address else {}
        return [cls(name, urls[name]) for name in address or () if name in urls]

    def deliver(self, notice: Notice) -> str:
        """Send a notice. A 4xx status is final, except for timeouts and rate limits; anything else is retried."""
        import apprise

        if self.url is None:
            raise NotConfigured(f"no message is sent to {self.target}: add {self.target}=URL to {_REMEDY}")
        asset = _asset()
        with apprise_urls.log_messages() as messages:
            service = apprise.Apprise.instantiate(self.url, asset=asset)
            if service is None:
                raise DeliveryFailed(f"Apprise cannot read the URL of {self.target}: correct it in {_REMEDY}")
            if service.overflow_mode == apprise.OverflowMode.UPSTREAM:
                service.overflow_mode = apprise.OverflowMode.TRUNCATE  # the service would refuse a longer text for good
            sender = apprise.Apprise(asset=asset)
            sender.add(service)
            title, text = _rendered(notice, service)
            body_format = service.notify_format if _is_markdown(service) else apprise.NotifyFormat.TEXT
            if sender.notify(text, title, apprise.NotifyType(_TYPES[notice.tone]), body_format):
                return ""
        raise _failure(str(service.service_name), self.target, messages)


def _failure(service: str, target: str, messages: Sequence[str]) -> DeliveryFailed | DeliveryRefused:
    """Return the error for what Apprise logged: `Failed to send Discord notification: Not Found, error=404.`"""
    statuses = [int(status) for message in messages for status in re.findall(r"\berror=(\d{3})\b", message)]
    if not statuses:
        return DeliveryFailed(f"{service} cannot be reached, or did not answer in time")
    final = all(400 <= status < 500 and status not in _TRY_AGAIN for status in statuses)
    answered = f"{service} answered {statuses[-1]} ({responses.get(statuses[-1], 'unknown')})"
    if final:
        return DeliveryRefused(f"{answered}: correct the URL of {target} in {_REMEDY}")
    return DeliveryFailed(answered)


def _asset() -> "AppriseAsset":
    """Return the settings for Apprise: it sends as Daybook, in this thread, and keeps nothing on disk."""
    from apprise import AppriseAsset

    return AppriseAsset(app_id="Daybook", app_desc="Daybook", async_mode=False, secure_logging=True)


def _rendered(notice: Notice, service: "NotifyBase") -> tuple[str, str]:
    """Return the title and the text, within the limits of the service."""
    joined = service.title_maxlen <= 0 or service.overflow_amalgamate_title
    longest = min(_TITLE, service.body_maxlen * 2 // 3 if joined else service.title_maxlen)
    title = clipped(_without_mentions(headline(notice)), longest)
    room = min(_TEXT, service.body_maxlen) // (2 if service.notify_format == "html" else 1)  # escaping takes the rest
    room = max(room - (len(title) + _JOIN if joined else 0), 10)
    text = _markdown(notice, room) if _is_markdown(service) else shortened(_without_mentions(body(notice)), room)
    return title, text


def _is_markdown(service: "NotifyBase") -> bool:
    return service.notify_format == "markdown"


def _markdown(notice: Notice, room: int) -> str:
    """Return a notice without its title as Markdown, with the error and the command as code blocks."""

    def line(text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", _without_mentions(one_line(text)))

    def code(text: str | None) -> str:
        kept = shortened(printable(text or "").strip().replace("```", "'''"), room // 3)
        return f"```\n{kept}\n```" if kept else ""

    parts = [
        "  \n".join(f"**{line(name)}**: {line(value)}" for name, value in notice.facts),
        code(notice.error),
        "  \n".join(map(line, notice.impact)),
        code(notice.command),
        f"[{line(notice.link[0])}](<{one_line(notice.link[1])}>)" if notice.link else "",
        "  \n".join(map(line, [*notice.notes, signature(notice)])),
    ]
    return clipped("\n\n".join(filter(None, parts)), room)


def _without_mentions(text: str) -> str:
    """Return `text` with a zero-width space in what would notify people: `@everyone`, `<@U1>`, `<!channel>`."""
    return re.sub(r"(?<!\w)@(?=everyone\b|here\b|channel\b|all\b)|<(?=[@!#&])", "\\g<0>\u200b", text)
