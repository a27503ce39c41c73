"""Oracle's MySQL as a source: loads, audits, dry runs and masks, and what MariaDB does not have."""

from pathlib import Path
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.backfill.dry_run import forecast
from daybook.definitions.table import Table
from daybook.ledger.interval_status import read_statuses
from tests.support.audited_tables import days, make, table_of, verdicts
from tests.support.checksum_sums import sums
from tests.support.described_tables import described
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

pytestmark = [pytest.mark.parametrize("source", ["mysql"], indirect=True), pytest.mark.any_warehouse]
ON_ONE_WAREHOUSE = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
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


def comes_out_right(ends: Endpoints, folder: Path, **fields: Any) -> Table:
    """Load the 40 rows of `things` by days, audit and describe them, load the described table, and return it."""
    table = table_of(ends, "upsert", **fields)
    assert ends.load(table, "2021-02-05", "2021-02-09").rows == 40
    assert verdicts(ends, table) == ["equal"] * 4
    assert not sums(ends, table).recipe.left_out
    proposed, _ = described(ends.source, "things", folder)
    proposed = proposed.model_copy(update={"name": f"{ends.destination.namespace}.proposed"})
    assert ends.load(proposed).rows == 40
    return proposed


#: What MySQL has and MariaDB has not, or not alike: the statements that add it to the table `things`.
SPECIAL = {
    "a vector": [
        "ALTER TABLE things ADD v VECTOR(3)",
        "UPDATE things SET v = STRING_TO_VECTOR(CONCAT('[', id, ', 0.1, -1e-30]')) WHERE id > 0",
    ],
    "json in its own order": [
        "ALTER TABLE things ADD j JSON",
        """UPDATE things SET j = JSON_OBJECT('bb', id, 'a', JSON_ARRAY(1.50, 'é "😀"', NULL, 2e300)) WHERE id > 0""",
        "UPDATE things SET j = CAST(at AS JSON) WHERE id = 7",
    ],
    "a functional key": [
        "ALTER TABLE things ADD INDEX day ((CAST(at AS DATE))), ADD UNIQUE INDEX following ((id + 1), id)"
    ],
    "a multi-valued key": [
        "ALTER TABLE things ADD tags JSON DEFAULT ('[1, 2]')",
        "ALTER TABLE things ADD INDEX tag ((CAST(tags AS UNSIGNED ARRAY)))",
    ],
    "an invisible key": ["ALTER TABLE things ALTER INDEX things_at INVISIBLE"],
    "a descending key": ["ALTER TABLE things DROP INDEX things_at, ADD INDEX newest (at DESC)"],
    "a histogram": ["ANALYZE TABLE things UPDATE HISTOGRAM ON at, note, price WITH 8 BUCKETS"],
    "a generated key": [
        "ALTER TABLE things ADD twice int AS (id * 2) STORED INVISIBLE, ADD UNIQUE (twice)",
    ],
    "a check that is not enforced": ["ALTER TABLE things ADD CONSTRAINT positive CHECK (id > 5) NOT ENFORCED"],
}


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize("name", SPECIAL)
def test_special_tables(ends: Endpoints, name: str, tmp_path: Path) -> None:
    make(ends)
    for statement in SPECIAL[name]:
        ends.source.run(statement)
    assert comes_out_right(ends, tmp_path).key == ("id",)


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize("load", LOADS)
def test_a_key_whose_collation_ignores_accents(ends: Endpoints, load: str) -> None:
    """To the source, a changed accent is the same key. Blanks at the end make another key."""
    words = ["a", "a ", "é", "ss ", "ß", "😀", "🍣", "i", "Ø", "一"]
    ends.source.run(
        "CREATE TABLE things (word varchar(20) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, at datetime(6), KEY (at))"
    )
    ends.source.insert("things", [(word, f"2021-02-05 0{n}:00:00") for n, word in enumerate(words)])
    table = table_of(ends, load, key=["word"])
    assert ends.load(table, "2021-02-05").rows == len(words)
    assert verdicts(ends, table, 1) == ["equal"]
    ends.source.run("UPDATE things SET word = 'É' WHERE word = 'E'")
    assert verdicts(ends, table, 1) == ["source changed since"]
    ends.load(table, "2021-02-05", exact=True)
    assert verdicts(ends, table, 1) == ["equal"]
    assert {word for (word,) in ends.rows(table, "word")} == {*words} - {"é"} | {"É"}
