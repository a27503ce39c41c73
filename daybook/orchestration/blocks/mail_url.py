"""Reads the URL of a mail server: `smtp+starttls://USER:PASSWORD@HOST:587?from=ADDRESS`."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from daybook.orchestration.blocks.errors import BadValue

EXAMPLE = "smtp+starttls://USER:PASSWORD@HOST:587?from=daybook@example.com"
ADDRESS = r"^[!-?A-~]+@[A-Za-z0-9.-]+$"
"""The pattern of an e-mail address that a mail server without SMTPUTF8 accepts."""
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class MailUrl:
    """A mail server: how it is reached, who logs in (None: nobody), and the address that its mail comes from."""

    security: str
    """`smtp` (none), `smtp+starttls` or `smtps`."""
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    sender: str


def read(text: str) -> MailUrl:
    """Return the mail server of a URL. Raises `BadValue`, which never repeats what may be the password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        raise BadValue(f"does not parse as a URL: write {EXAMPLE}, user and password percent-encoded") from None
    if parts.scheme not in _PORTS:
        raise BadValue(f"is not a mail server's URL: write {EXAMPLE} (or smtps://, or smtp:// without TLS)")
    if not parts.hostname or parts.netloc.count("@") > 1 or parts.path not in ("", "/") or parts.fragment or port == 0:
        raise BadValue(f"is not HOST:PORT behind the last @: write {EXAMPLE}, user and password percent-encoded")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if given.keys() - {"from"}:
        raise BadValue(f"knows ?from= only, the address that its mail comes from: write {EXAMPLE}")
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    if (user is None) != (password is None):
        raise BadValue("has a user without a password, or the other way round: write USER:PASSWORD@HOST, or just HOST")
    sender = given.get("from") or user or ""
    if not re.fullmatch(ADDRESS, sender):
        raise BadValue(f"does not say whose mail it is: add ?from= with an e-mail address, as in {EXAMPLE}")
    return MailUrl(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password, sender)
