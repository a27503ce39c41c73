"""The parts of the dbt integration that do not need dbt: the profile, the tables that a project reads, the results."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import make_url

from daybook.definitions.table import Table
from daybook.errors import DbtFailed, DbtUnusable
from daybook.integrations.dbt.profile import profile
from daybook.integrations.dbt.project import last_of_day, tables_read
from daybook.integrations.dbt.results import NodeResult, check

MANIFEST = {
    "parent_map": {
        "model.shop.orders": ["source.shop.raw.orders", "source.shop.raw.typed_in"],
        "model.shop.months": ["model.shop.orders", "model.shop.months"],
        "model.shop.visits": ["source.shop.raw.visits"],
        "test.shop.unique_months": ["model.shop.months"],
    },
    "sources": {
        "source.shop.raw.orders": {"schema": "raw_data", "identifier": "ORDERS", "name": "sales"},
        "source.shop.raw.typed_in": {"schema": "raw_data", "identifier": "typed_in", "name": "typed_in"},
        "source.shop.raw.visits": {"schema": "raw_data", "identifier": "visits", "name": "visits"},
    },
}


def output(url: str) -> dict[str, Any]:
    (target,) = profile(make_url(url), "marts", 4)["daybook"]["outputs"].values()
    return dict(target)


def test_the_profile_of_a_postgresql_has_no_password() -> None:
    assert output(
        "postgresql+psycopg2://me:s%40cret@db.example/shop?sslmode=require&connect_timeout=5&read_timeout=60"
    ) == {
        "type": "postgres",
        "host": "db.example",
        "port": 5432,
        "user": "me",
        "password": "{{ env_var('DBT_ENV_SECRET_DAYBOOK_WAREHOUSE') }}",
        "dbname": "shop",
        "schema": "marts",
        "threads": 4,
        "sslmode": "require",
        "connect_timeout": 5,
    }


def test_a_redshift_has_its_own_type_and_port() -> None:
    found = output("redshift+psycopg2://me:secret@cluster.example/shop?sslmode=verify-full")
    assert (found["type"], found["port"], found["sslmode"]) == ("redshift", 5439, "verify-full")


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        (
            "me@shop.abc.eu-west-1.redshift.amazonaws.com/dwh?iam=true&db_groups=a,b&auto_create=true&profile=etl",
            {"method": "iam", "user": "me", "cluster_id": "shop", "db_groups": ["a", "b"], "autocreate": True}
            | {"region": "eu-west-1", "iam_profile": "etl"},
        ),
        (
            "wh.example/dwh?iam=true&cluster_identifier=shop&region=us-east-2&sslmode=require",
            {"method": "iam_role", "cluster_id": "shop", "region": "us-east-2", "sslmode": "require"},
        ),
        (
            "w.123456789012.eu-west-1.redshift-serverless.amazonaws.com/dwh?iam=true",
            {"method": "iam_role", "is_serverless": True, "serverless_work_group": "w", "region": "eu-west-1"},
        ),
    ],
    ids=["a user of a cluster", "the identity at AWS", "serverless"],
)
def test_a_redshift_with_iam_has_dbts_own_method_and_no_password(url: str, fields: dict[str, Any]) -> None:
    found = output(f"redshift+psycopg2://{url}")
    assert found.items() >= fields.items()
    assert "password" not in found and "iam" not in found and ("user" in found) is ("user" in fields)


def test_keepalives_are_not_in_the_profile_of_a_redshift() -> None:
    found = output("redshift+psycopg2://me:secret@wh/dwh?keepalives_idle=30&keepalives=1&read_timeout=9")
    assert not [name for name in found if "alive" in name]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redshift+psycopg2://me:x@wh/shop?iam=true&cluster_identifier=a", "has a password and iam=true"),
        ("mysql+pymysql://me@db/shop", r"\(postgresql or redshift\), but SqlAlchemyConnector/warehouse is mysql"),
        (
            "postgresql+psycopg2://me@db/shop?options=-crole%3Dx",
            r"has \?options=, which dbt does not support\. Remove it\. Supported are app",
        ),
        (
            "redshift+psycopg2://me@db/shop?sslrootcert=ca.pem",
            r"has \?sslrootcert=.* Supported are connect_timeout, sslmode",
        ),
    ],
    ids=[
        "IAM and a password",
        "no warehouse of ours",
        "an option that only psycopg2 has",
        "a certificate, which Redshift's driver brings",
    ],
)
def test_a_warehouse_that_dbt_cannot_use_is_refused(url: str, words: str) -> None:
    with pytest.raises(DbtUnusable, match=words):
        output(url)


@pytest.mark.parametrize(
    ("nodes", "tables"),
    [
        (["model.shop.orders"], ["raw_data.orders"]),
        (["test.shop.unique_months"], ["raw_data.orders"]),
        (["model.shop.months", "model.shop.visits"], ["raw_data.orders", "raw_data.visits"]),
        ([], []),
    ],
    ids=["a model", "a test of a model of a model", "two models", "nothing"],
)
def test_the_daybook_tables_that_nodes_read(nodes: list[str], tables: list[str]) -> None:
    assert tables_read(MANIFEST, nodes, ["raw_data.orders", "raw_data.visits", "raw_data.others"]) == tables


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({"interval": "day"}, datetime(2021, 2, 5, tzinfo=UTC)),
        ({"interval": "day", "timezone": "Asia/Seoul"}, datetime(2021, 2, 4, 15, tzinfo=UTC)),
        ({"interval": "hour"}, datetime(2021, 2, 5, 23, tzinfo=UTC)),
        ({"interval": "week"}, datetime(2021, 1, 25, tzinfo=UTC)),
        ({"interval": "month"}, datetime(2021, 1, 1, tzinfo=UTC)),
        ({"interval": "day", "start": date(2021, 2, 6)}, None),
    ],
    ids=["a day", "a day in Seoul", "its last hour", "the week before", "the month before", "a day before the start"],
)
def test_the_last_interval_of_a_day(given: dict[str, Any], start: datetime | None) -> None:
    source = {"kind": "database", "block": "production", "table": "prod.orders"}
    table = Table(
        name="raw_data.orders", description="", owner="", source=source, cursor="at", load="replace_interval", **given
    )
    found = last_of_day(table, date(2021, 2, 5))
    assert (found and found.start) == start


def test_the_error_names_the_failed_nodes_with_messages_and_the_skipped_nodes() -> None:
    done = [
        NodeResult("model", "orders", "success", 3, 0.5, "SELECT 3"),
        NodeResult("test", "few", "warn", 2, 0.1, "Got 2 results"),
        NodeResult("model", "months", "error", None, 0.1, "Database Error\n  no"),
        NodeResult("model", "years", "skipped", None, 0.0, ""),
        NodeResult("model", "ages", "skipped", None, 0.0, ""),
    ]
    with pytest.raises(DbtFailed) as raised:
        check("shop", done)
    assert str(raised.value).splitlines() == [
        "dbt project shop: 1 of 5 failed",
        "- model months: Database Error",
        "  no",
        "- skipped because of these failures: model years, model ages",
    ]


def test_a_test_that_only_warns_is_not_a_failure() -> None:
    check("shop", [NodeResult("test", "few", "warn", 2, 0.1, "Got 2 results")])
