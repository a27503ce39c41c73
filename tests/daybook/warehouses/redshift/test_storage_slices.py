"""The number of slices decides how many parts a load has. Redshift Serverless does not show it."""

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.errors import WarehouseError
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.registry import open_warehouse
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


def test_the_url_may_declare_them(redshift: Redshift) -> None:
    """Neither the driver nor dbt gets the option."""
    url = make_url(redshift.url).update_query_dict({"slices": "64"})
    warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role="default")
    with warehouse.session() as session:
        assert warehouse.slices(session) == 64
    assert "slices" not in warehouse.dbt_output(url, "x")


@pytest.mark.parametrize("given", ["0", "many", "-4"])
def test_a_number_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(WarehouseError, match=f"has slices={given}, expected the number of slices, such as slices=16"):
        open_warehouse(create_engine(f"redshift+psycopg2://h/d?slices={given}"), copy_iam_role="default")
