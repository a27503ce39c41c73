"""Oracle's MySQL as a source: loads, audits, dry runs and masks, with every warehouse."""

from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.backfill.dry_run import forecast
from daybook.ledger.interval_status import read_statuses
from tests.support.audited_tables import days, make, table_of, verdicts
from tests.support.checksum_sums import sums
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

pytestmark = pytest.mark.parametrize("source", ["mysql"], indirect=True)
LOADS = ["replace_interval", "upsert"]
#: Values of many types, and NULLs.
TYPES: dict[str, tuple[str, Any]] = {
    "small": ("tinyint", -128),
    "huge": ("bigint unsigned", 2**64 - 1),
    "price": ("decimal(20,6)", "-12345.670000"),
    "x": ("double", "1e-300"),
    "f": ("float", "0.1"),
    "bits": ("bit(8)", b"\x05"),
    "word": ("varchar(200) COLLATE utf8mb4_0900_ai_ci", "\U0001f600 é "),
    "padded": ("char(9)", "ab"),
    "old": ("varchar(20) CHARACTER SET latin1", "Ä €"),
    "story": ("longtext", "ö" * 30_000),
    "raw": ("longblob", bytes(range(256)) * 400),
    "fixed": ("binary(4)", b"\x00\xff"),
    "extra": ("json", '{"b": [1, 2.50, "a b"], "a": null}'),
    "day": ("date", "2021-02-05"),
    "moment": ("datetime(6)", "2021-02-05 10:00:00.250000"),
    "instant": ("timestamp(3) NULL", "2021-02-05 10:00:00.125"),
    "took": ("time(6)", "-838:59:59.000000"),
    "choice": ("enum('a','b')", "b"),
    "choices": ("set('a','b')", "a,b"),
    "since": ("year", 2021),
}


@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
@pytest.mark.parametrize("load", LOADS)
def test_loads_are_audited_and_repaired(ends: Endpoints, load: str) -> None:
    make(ends)
    table = table_of(ends, load)
    ends.load(table, "2021-02-05", "2021-02-08")
    assert verdicts(ends, table) == ["equal"] * 3 + ["never loaded"]
    ends.source.run("UPDATE things SET note = 'x' WHERE id = 3")
    ends.source.run("DELETE FROM things WHERE id = 14")
    found = {one.interval: one for one in audit(table, days(), ends.warehouse, ends)}
    seen = [(one.differences.added, one.differences.changed, one.differences.removed) for one in found.values()]
    assert seen == [(0, 1, 0), (0, 0, 1), (0, 0, 0), (10, 0, 0)]
    dry = forecast(table, read_statuses(ends.warehouse, table.name, days()), "differing", ends, found)
    assert [one.action for one in dry] == ["reload", "reload", "skip", "load"]
    for day in ("2021-02-05", "2021-02-06"):
        ends.load(table, day, exact=True)
    assert verdicts(ends, table) == ["equal"] * 3 + ["never loaded"]


def test_values_of_every_type_have_the_same_checksum(ends: Endpoints) -> None:
    columns = ", ".join(f"{name} {type}" for name, (type, _) in TYPES.items())
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, {columns})")
    ends.source.insert("things", [(1, *(value for _, value in TYPES.values())), (2, *[None] * len(TYPES))])
    table = ends.table(key=["id"])
    ends.load(table)
    found = sums(ends, table)
    assert not found.recipe.left_out
    assert found.source == found.warehouse


@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3"], indirect=True)
def test_masked_values_are_compared(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, mask={"note": "hash", "price": None})
    ends.load(table, "2021-02-05", "2021-02-09")
    assert verdicts(ends, table) == ["equal"] * 4
    ends.source.run("UPDATE things SET note = 'x', price = 7 WHERE id = 3")
    assert verdicts(ends, table) == ["source changed since", "equal", "equal", "equal"]
