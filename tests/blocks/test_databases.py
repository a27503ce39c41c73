"""The databases that tables come from, and those that they go to: each has the drivers that Daybook knows."""

import pytest

from blocks.databases import PRODUCTION_URL, WAREHOUSE_URL
from daybook.orchestration.blocks.environment import Variable
from tests.support.declared_blocks import REDSHIFT, ROLE, S3, plan, refused

REFUSALS = {
    "a warehouse in MySQL": {"DAYBOOK_WAREHOUSE_URL": "mysql://app:hunter2@wh/dwh"},
    "production in Redshift": {"DAYBOOK_PRODUCTION_URL": "redshift://app:hunter2@wh/d"},
}


@pytest.mark.parametrize("environ", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_database_that_nothing_reads_or_loads_is_refused(environ: dict[str, str]) -> None:
    assert refused(environ) == [*environ]


@pytest.mark.parametrize(
    ("variable", "drivers"),
    [
        (PRODUCTION_URL, ["mysql+pymysql", "mariadb+pymysql", "postgresql+psycopg2"]),
        (WAREHOUSE_URL, ["postgresql+psycopg2", "redshift+psycopg2"]),
    ],
)
def test_the_drivers_are_those_of_the_sources_and_of_the_warehouses(
    variable: Variable[object], drivers: list[str]
) -> None:
    assert [example.partition("://")[0] for example in variable.examples] == drivers


HOST = "shop.abc.eu-west-1.redshift.amazonaws.com"


def test_a_redshift_with_iam_needs_no_password_and_no_user() -> None:
    for user in ("", "loader@"):
        environ = REDSHIFT | S3 | ROLE | {"DAYBOOK_WAREHOUSE_URL": f"redshift+psycopg2://{user}{HOST}/dwh?iam=true"}
        url, note = plan(environ).environment[WAREHOUSE_URL]
        assert (url.query["iam"], note) == ("true", None)


def test_a_redshift_with_iam_and_a_password_is_refused() -> None:
    environ = REDSHIFT | S3 | ROLE | {"DAYBOOK_WAREHOUSE_URL": f"redshift+psycopg2://me:hunter2@{HOST}/dwh?iam=true"}
    assert refused(environ) == ["DAYBOOK_WAREHOUSE_URL"]
