"""The number of slices decides how many parts a load has. Redshift Serverless does not show it."""

import pytest

from daybook.sql.database_error import DatabaseError
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, warehouse_of


def test_they_are_asked_for_once(redshift: Redshift, redshift_schema: str) -> None:
    warehouse = warehouse_of(Database(redshift.url, redshift_schema))
    with warehouse.session() as session:
        assert warehouse.slices(session) == 2
        with redshift.faults({"match": "stv_slices", "action": "error", "sqlstate": "42501", "message": "denied"}):
            assert warehouse.slices(session) == 2
            unknown = warehouse_of(Database(redshift.url, redshift_schema))
            assert unknown.slices(session) == 32


def test_a_lost_connection_is_no_answer(redshift: Redshift, redshift_schema: str) -> None:
    warehouse = warehouse_of(Database(redshift.url, redshift_schema))
    with (
        redshift.faults({"match": "stv_slices", "action": "drop_before"}),
        pytest.raises(DatabaseError) as caught,
        warehouse.session() as session,
    ):
        warehouse.slices(session)
    assert caught.value.lost
