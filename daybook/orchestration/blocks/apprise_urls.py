"""Read DAYBOOK_APPRISE_URLS: `NAME=URL`, several separated by spaces or newlines."""

import re

from daybook.orchestration.blocks.errors import BadValue

EXAMPLE = "on-call=pagerduty://INTEGRATION_KEY@API_KEY team=discord://WEBHOOK_ID/WEBHOOK_TOKEN"
NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
"""The name of a URL, as it is in `apprise:` of tables/owners.yaml and in the name of its block."""


def read(text: str) -> dict[str, str]:
    """Return the URLs by their names. Raises `BadValue`, which never repeats what may be secret."""
    found = dict[str, str]()
    for entry in text.split():
        name, equals, url = entry.partition("=")
        if not equals or "://" not in url or "://" in name:
            raise BadValue(f"has an entry that is not NAME=URL: write {EXAMPLE}")
        if not re.fullmatch(NAME, name):
            raise BadValue(f"has a name that is not lower case letters, digits and dashes: write {EXAMPLE}")
        if name in found:
            raise BadValue(f"names {name} twice: give each URL a name of its own")
        if not is_known(url):
            raise BadValue(f"{name}: Apprise cannot read the URL: see https://github.com/caronc/apprise/wiki")
        found[name] = url
    return found


def is_known(url: str) -> bool:
    """Return True if Apprise has a service for the URL, and the URL has all that the service needs."""
    from apprise import Apprise  # slow to import, and few need it

    return bool(Apprise.instantiate(url))
