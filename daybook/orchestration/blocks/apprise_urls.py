"""Read DAYBOOK_APPRISE_URLS: `NAME=URL`, several separated by spaces or newlines."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from daybook.orchestration.blocks.errors import BadValue

EXAMPLE = "on-call=pagerduty://INTEGRATION_KEY@API_KEY team=discord://WEBHOOK_ID/WEBHOOK_TOKEN"
NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
"""The pattern of a URL's name, which `apprise:` in tables/owners.yaml and the name of the block contain."""
_LOG, _HTTP_LOG = logging.getLogger("apprise"), logging.getLogger("urllib3")


def read(text: str) -> dict[str, str]:
    """Return the URLs by their names. Raises `BadValue`, which never repeats what may be secret."""
    found = dict[str, str]()
    for number, entry in enumerate(text.split(), start=1):
        name, equals, url = entry.partition("=")
        if not equals or "://" not in url or not re.fullmatch(NAME, name):
            form = "NAME=URL, with lower-case letters, digits and dashes in the name"
            raise BadValue(f"has an invalid entry (number {number}): write {form}, as in {EXAMPLE}")
        if name in found:
            raise BadValue(f"has the name {name} twice: give each URL a unique name")
        if not _is_known(url):
            raise BadValue(f"has a URL that Apprise cannot read ({name}): see https://github.com/caronc/apprise/wiki")
        found[name] = url
    return found


@contextmanager
def log_messages() -> Iterator[list[str]]:
    """Collect the warnings and errors that Apprise logs, and keep them out of all other logs: they may contain URLs."""
    messages = list[str]()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handlers, level, propagate, level_of_http = _LOG.handlers[:], _LOG.level, _LOG.propagate, _HTTP_LOG.level
    _LOG.handlers[:], _LOG.propagate = [Collector()], False
    _LOG.setLevel(logging.WARNING)  # at DEBUG, Apprise also logs its messages and URLs
    _HTTP_LOG.setLevel(logging.CRITICAL)  # at DEBUG, it logs the paths of URLs
    try:
        yield messages
    finally:
        _LOG.handlers[:], _LOG.propagate = handlers, propagate
        _LOG.setLevel(level)
        _HTTP_LOG.setLevel(level_of_http)


def _is_known(url: str) -> bool:
    """Return True if Apprise has a service for the URL, and the URL has all that the service needs."""
    from apprise import Apprise  # slow to import, and few need it

    with log_messages():
        return Apprise.instantiate(url) is not None
