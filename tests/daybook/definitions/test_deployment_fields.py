"""The fields of a table file that `daybook deploy` reads."""

from pathlib import Path

import pytest

from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema, read_table
from daybook.errors import TableFileError

FILE = """
description: One row per order.
owner: data
load: replace_interval
key: id
cursor: created_at
interval: day
source: {kind: database, block: production, table: shop.orders}
"""


def table(folder: Path, more: str, text: str = FILE) -> Table:
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop/orders.yaml").write_text(text + more)
    return read_table("shop.orders", folder)


def test_the_fields_have_defaults(tmp_path: Path) -> None:
    found = table(tmp_path, "")
    assert (found.schedule, found.run, found.tags, found.concurrency, found.retries) == (None, "shared", (), 1, None)
    assert (found.retry_seconds, found.audit) == (None, None)


def test_the_fields_are_read(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        'schedule: "0 6 * * *"\nrun: own\ntags: [pii, finance]\nconcurrency: 2\nretries: 3\nretry_delay: 10m\n'
        "audit: weekly\n",
    )
    assert found.schedule and found.schedule.cron == "0 6 * * *"
    assert (found.run, found.tags, found.concurrency, found.retries) == ("own", ("pii", "finance"), 2, 3)
    assert found.retry_seconds == 600
    assert found.audit and found.audit.cron is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("schedule: {after: shop.orders}", "cannot wait for itself"),
        ('schedule: "0 66 * * *"', "schedule.cron: '0 66 .*' is not a cron text: Bad hour"),
        ("schedule: {corn: 0 6 * * *}", "schedule.corn: unknown field; did you mean .cron"),
        ("audit: sometimes", "audit: 'sometimes' is not an audit: expected weekly"),
    ],
)
def test_a_wrong_field_is_named_with_its_remedy(tmp_path: Path, more: str, reason: str) -> None:
    with pytest.raises(TableFileError, match=reason):
        table(tmp_path, more)


def test_a_source_that_cannot_be_compared_is_not_audited(tmp_path: Path) -> None:
    text = FILE.replace("source: {kind: database, block: production, table: shop.orders}", "").replace(
        "load: replace_interval", "load: replace"
    )
    more = 'source: {kind: csv, url: "https://example.com/a.csv"}\ncolumns: {id: bigint, created_at: timestamp}\n'
    with pytest.raises(TableFileError, match="a source of kind csv cannot be compared: write audit: null"):
        table(tmp_path, more + "audit: weekly\n", text)


def test_editors_complete_the_fields() -> None:
    properties = json_schema()["properties"]
    assert {"schedule", "run", "tags", "concurrency", "retries", "retry_delay", "audit"} <= set(properties)
    assert {choice.get("type") for choice in properties["schedule"]["anyOf"]} == {"string", "object", "null"}
