"""The table of first names, by its own table file, from a web server into each warehouse."""

import pytest

from daybook.definitions.table_files import read_table
from tests.support.servers.web import Web
from tests.support.source_and_warehouse import Endpoints
from tests.support.web_files import GOOD, ROWS

pytestmark = pytest.mark.any_warehouse


def test_the_names_are_loaded(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(GOOD)
    own = read_table("raw_data.name_gender")
    source = own.source.model_copy(update={"url": web.url(), "allow_private": True})
    made = own.model_copy(update={"name": f"{warehouse_ends.destination.namespace}.name_gender", "source": source})
    warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == ROWS
