"""The fixture `desk`: a warehouse of each kind with an empty table of answers."""

import pytest

from tests.support.source_and_warehouse import Endpoints
from tests.support.summary_cli import ANSWERS, Desk


@pytest.fixture
def desk(warehouse_ends: Endpoints) -> Desk:
    desk = Desk(warehouse_ends, warehouse_ends.destination.namespace)
    desk.run("CREATE SCHEMA IF NOT EXISTS {raw}")
    desk.run(ANSWERS)
    return desk
