"""Table files of `kind: csv`, and the file that their tests serve at a URL."""

from typing import Any

from daybook.definitions.table import Table
from tests.support.servers.web import Web
from tests.support.source_and_warehouse import Endpoints

GOOD = "name,gender\nZoë,f\nIan,m\nRené,\n".encode()
ROWS = [("Ian", "m"), ("René", None), ("Zoë", "f")]


def table(ends: Endpoints, url: str, columns: dict[str, str] | None = None, **source: Any) -> Table:
    """Return the table `name_gender` with `url` as its source."""
    given = {"kind": "csv", "url": url, "allow_private": True, **source}
    return ends.table("name_gender", source=given, columns=columns or {"name": "varchar(64)", "gender": "varchar(8)"})


def loaded(ends: Endpoints, web: Web) -> Table:
    """Load the good file from /file.csv, and return the table."""
    web.offers(GOOD)
    made = table(ends, web.url())
    ends.load(made)
    web.asked.clear()
    return made
