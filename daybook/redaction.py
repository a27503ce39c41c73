"""Redact secrets in texts that others will read, such as errors in notifications."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

HIDDEN = "***"
_SHORTEST = 4
"""The fewest characters of a known secret. Shorter values are not redacted, as they occur in too many texts."""

_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|private[_-]?key|api[_-]?key|access[_-]?key"
    r"|(?:access|refresh|auth|session|security|bot|id)[_-]?token|x-amz-(?:credential|signature)"
)
_VALUE = r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)|[^\s,;&)'"\\]+)"""
_END = r"""(?:[\s,;&)}\]'"\\]|\Z)"""
_PATTERNS = [
    # Group 1 is kept. Patterns begin with fixed characters and are bounded, so that no text takes long to search.
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    # A password may contain a slash or an @ that is not encoded: match up to the last @ before a space or a quote.
    (r"(://[^\s/:@'\"]{0,200}:)[^\s'\"<>]{0,500}(?=@)", 0),
    (r"(://)[^\s/:@'\"]{20,}(?=@)", 0),  # a token instead of a user
    # Incoming webhooks of chat services: https://hooks.…/…, https://…/webhooks/…
    (r"(\bhooks\.[\w-]{1,60}\.[a-z]{2,20}/)[^\s'\"<>]+", re.IGNORECASE),
    (r"(://[^\s'\"<>]{1,200}/webhook(?:s|b2)?/)[^\s'\"<>]+", re.IGNORECASE),
    (r"\b(?:xox[a-z]|xapp|xoxe\.xox[a-z])-[\w-]+", 0),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{7,}", 0),
    (r"\beyJ[\w-]{1,2000}\.[\w-]+\.[\w-]*", 0),  # a JSON web token
    (r"\b(?:ya29\.[\w-]+|gh[a-z]_\w{20,}|pn[a-z]_\w{20,})", 0),  # Google's, GitHub's, Prefect Cloud's
    (r"(\b(?i:bearer|basic)\s+)(?=\S*(?:[\d=]|[a-z][A-Z]))[\w.~+/=-]{8,}", 0),
    # `password=x`, `'password': 'x'`, `PASSWORD 'x'`, `IDENTIFIED BY 'x'`; MySQL's `(using password: YES)` stays.
    (rf"((?:{_NAMES})[\w-]{{0,40}}\\*['\"]?\s*[=:]\s*)(?!(?:YES|NO)\b|\*\*\*{_END})\\*{_VALUE}", re.IGNORECASE),
    (rf"((?:(?:{_NAMES})[\w-]{{0,40}}|identified by)\s+)(?=['\"]){_VALUE}", re.IGNORECASE),
    (r"(\btoken=)[^\s,;&)'\"]+", re.IGNORECASE),
]
_COMPILED = [re.compile(pattern, flags) for pattern, flags in _PATTERNS]


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` with `***` for each secret in it.

    This redacts the values in `known` (passwords and keys in use), in any encoding. It also redacts everything that
    looks like a secret: passwords in URLs and in `password=…`, AWS keys, tokens, webhooks, private keys. The names of
    users, hosts and tables stay.
    """
    spellings = {one for secret in known for one in _spellings(secret) if len(one) >= _SHORTEST}
    if spellings:
        longest_first = sorted(spellings, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text, flags=re.IGNORECASE)
    for pattern in _COMPILED:
        text = pattern.sub(lambda found: (found[1] if pattern.groups else "") + HIDDEN, text)  # noqa: B023 (used at once)
    return text


def _spellings(secret: str) -> Iterator[str]:
    """Yield the encodings of a secret: plain, in a URL, in JSON and in Python.

    Yield those of each long line, too, because an error may quote only one line.
    """
    for one in {secret, *(line for line in secret.split("\n") if len(line) >= 16)}:
        readable = one.encode(errors="ignore").decode()  # URL encoding fails for half of a surrogate pair
        yield from (one, quote(readable, safe=""), quote(readable), quote_plus(readable))
        yield from (json.dumps(one)[1:-1], repr(one)[1:-1])
