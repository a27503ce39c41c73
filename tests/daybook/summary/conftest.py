"""The fixture `desk`: a warehouse of each kind with an empty table of answers."""

import pytest

from tests.daybook.ends import Ends
from tests.daybook.summary.desk import ANSWERS, Desk


@pytest.fixture
def desk(warehouse_ends: Ends) -> Desk:
    desk = Desk(warehouse_ends, warehouse_ends.destination.namespace)
    desk.run("CREATE SCHEMA IF NOT EXISTS {raw}")
    desk.run(ANSWERS)
    return desk
