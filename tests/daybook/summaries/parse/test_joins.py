"""The columns on which summaries join their inputs."""

import pytest

from daybook.definitions.summary import Summary
from daybook.summaries.parse.joins import joined_columns
from daybook.summaries.parse.lineage import read


def joins(*texts: str) -> dict[str, dict[str, set[str]]]:
    given = {"description": "x", "owner": "tests", "key": "id"}
    summaries = [Summary(name=f"analytics.s{n}", sql=text, **given) for n, text in enumerate(texts)]
    return joined_columns(read(summary, "redshift") for summary in summaries)


BOTH = {"raw.orders": {"customer_id": {"analytics.s0"}}, "raw.customers": {"id": {"analytics.s0"}}}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select o.id from raw.orders o join raw.customers c on o.customer_id = c.id", BOTH),
        ('select o.id from raw.orders o left join raw."CUSTOMERS" c on c."ID" = o.customer_id and o.n > 1', BOTH),
        ("select o.id from raw.orders o, raw.customers c where c.id = o.customer_id", BOTH),
        (
            "with x as (select o.id from raw.orders o join raw.customers c on o.customer_id = c.id) select id from x",
            BOTH,
        ),
        (
            "select o.id from raw.orders o join raw.customers c using (id)",
            {"raw.orders": {"id": {"analytics.s0"}}, "raw.customers": {"id": {"analytics.s0"}}},
        ),
        (
            "with x as (select id from raw.customers) select o.id from raw.orders o join x on x.id = o.customer_id",
            {"raw.orders": {"customer_id": {"analytics.s0"}}},
        ),
        ("select id from raw.orders o where o.id = o.customer_id", {}),
        ("select o.id from raw.orders o join raw.customers c on o.n = 1", {}),
        ("select o.id from raw.orders o join raw.customers c on o.n > c.n", {}),
        ("select 1 as id", {}),
    ],
)
def test_the_columns_of_a_join(sql: str, expected: dict[str, dict[str, set[str]]]) -> None:
    assert joins(sql) == expected


def test_each_summary_has_a_say() -> None:
    one = "select o.id from raw.orders o join raw.customers c on o.customer_id = c.id"
    found = joins(one, one, "select o.id from raw.orders o join raw.items i on i.order_id = o.id")
    assert found["raw.orders"] == {"customer_id": {"analytics.s0", "analytics.s1"}, "id": {"analytics.s2"}}
