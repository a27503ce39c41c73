"""Table files of `kind: csv`, and what the tests of them offer at a URL."""

from typing import Any

from daybook.definitions.table import Table
from tests.support.servers.web import Web
from tests.support.source_and_warehouse import Endpoints

GOOD = "name,gender\nZoë,f\nIan,m\nRené,\n".encode()
ROWS = [("Ian", "m"), ("René", None), ("Zoë", "f")]


def table(ends: Endpoints, url: str, columns: dict[str, str] | None = None, **source: Any) -> Table:
    """`name_gender`, from `url`."""
    given = {"kind": "csv", "url": url, "allow_private": True, **source}
    return ends.table("name_gender", source=given, columns=columns or {"name": "varchar(64)", "gender": "varchar(8)"})


def loaded(ends: Endpoints, web: Web) -> Table:
    """The table, when the good file has been loaded from /file.csv."""
    web.offers(GOOD)
    made = table(ends, web.url())
    ends.load(made)
    web.asked.clear()
    return made
