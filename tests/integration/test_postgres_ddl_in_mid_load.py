"""DDL at a PostgreSQL source while a load reads: it commits the rows before the DDL or those after it, never a mix."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.errors import DaybookError
from daybook.model.interval import Interval
from daybook.sources.database import postgresql
from daybook.sql.database_error import DatabaseError
from tests.support.mid_load_ddl import Case, Ddl, both, by_moment, call_within, check_rows_of_one_moment, params
from tests.support.source_and_warehouse import Endpoints

__all__ = ["both"]
#: Rows that are so long that the first ones arrive before the server has read the last ones.
FILL = (
    "INSERT INTO {table} (id, at, note, kind) SELECT n, timestamp '2021-02-05' + n * interval '1 hour', "
    "'{word} ' || n || repeat('x', 30000), '{kind}' FROM generate_series({first}, {last}) AS n"
)


def fill(table: str, word: str = "old", first: int = 0, last: int = 71, kind: str = "a") -> str:
    return FILL.format(table=table, word=word, first=first, last=last, kind=kind)


COLUMNS = "id int, at timestamp NOT NULL, note text, kind text"
TABLE = f"CREATE TABLE {{}} ({COLUMNS}, extra int DEFAULT 1, PRIMARY KEY (id))"
PLAIN = [TABLE.format("orders"), "ALTER TABLE orders ALTER note SET STORAGE EXTERNAL", fill("orders")]
#: The values are so long that the server reads the last ones after the DDL.
ENUM = [
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    PLAIN[0].replace("kind text", "kind mood"),
    *(statement.replace("30000", "120000") for statement in PLAIN[1:]),
]
FRESH = [*PLAIN, TABLE.format("fresh"), fill("fresh", "new")]
PARTS = [
    f"CREATE TABLE orders ({COLUMNS}, extra int DEFAULT 1) PARTITION BY RANGE (at)",
    "CREATE TABLE orders_5 PARTITION OF orders FOR VALUES FROM ('2021-02-05') TO ('2021-02-06')",
    "CREATE TABLE orders_6 PARTITION OF orders FOR VALUES FROM ('2021-02-06') TO ('2021-02-07')",
    "CREATE TABLE orders_7 PARTITION OF orders FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
    fill("orders"),
]
APART = [
    *PARTS[:3],
    "CREATE TABLE orders_7 (LIKE orders INCLUDING ALL)",
    fill("orders", last=47),
    fill("orders_7", first=48, last=59),
]
#: A table with a child, and two tables that may become one.
FAMILY = [
    *PLAIN[:2],
    "CREATE TABLE child () INHERITS (orders)",
    "CREATE TABLE later (LIKE orders INCLUDING ALL)",
    "CREATE TABLE elsewhere (LIKE orders)",
    "CREATE TABLE of_both () INHERITS (elsewhere)",
    *(fill("orders", last=23), fill("child", first=24, last=47), fill("later", first=48, last=59)),
    fill("of_both", first=48, last=59),
]
VIEW = [TABLE.format("base"), fill("base"), "CREATE VIEW orders AS SELECT * FROM base"]
SCHEMAS = [*PLAIN, "CREATE SCHEMA fresh", TABLE.format("fresh.orders")]

CASES: dict[str, Case] = {
    "a column is added": (PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7"]),
    "a column is dropped": (PLAIN, ["ALTER TABLE orders DROP COLUMN extra"]),
    "a column is renamed": (PLAIN, ["ALTER TABLE orders RENAME COLUMN extra TO other"]),
    "two columns swap their names": (
        PLAIN,
        [
            "ALTER TABLE orders RENAME note TO x",
            "ALTER TABLE orders RENAME kind TO note",
            "ALTER TABLE orders RENAME x TO kind",
        ],
    ),
    "a column changes its type": (PLAIN, ["ALTER TABLE orders ALTER COLUMN id TYPE bigint"]),
    "a column gets another collation": (PLAIN, ['ALTER TABLE orders ALTER COLUMN kind TYPE text COLLATE "C"']),
    "a column moves to the end": (
        PLAIN,
        [
            "ALTER TABLE orders ADD COLUMN moved text",
            "UPDATE orders SET moved = kind",
            "ALTER TABLE orders DROP COLUMN kind",
            "ALTER TABLE orders RENAME moved TO kind",
        ],
    ),
    "a generated column is added": (
        PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED"],
    ),
    "an index is added": (PLAIN, ["CREATE INDEX ON orders (at)"]),
    "an index is added concurrently": (PLAIN, ["CREATE INDEX CONCURRENTLY ON orders (at)"]),
    "an index is dropped": ([*PLAIN, "CREATE INDEX orders_at ON orders (at)"], ["DROP INDEX orders_at"]),
    "the key is dropped": (PLAIN, ["ALTER TABLE orders DROP CONSTRAINT orders_pkey"]),
    "a partition is truncated": (PARTS, ["TRUNCATE orders_6"]),
    "a partition is dropped": (PARTS, ["DROP TABLE orders_6"]),
    "a partition is detached": (PARTS, ["ALTER TABLE orders DETACH PARTITION orders_6"]),
    "a partition is detached concurrently": (PARTS, ["ALTER TABLE orders DETACH PARTITION orders_6 CONCURRENTLY"]),
    "a partition is added": (
        APART[:-1],
        [
            fill("orders_7", first=48),
            "ALTER TABLE orders ATTACH PARTITION orders_7 FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
        ],
    ),
    "a half-filled partition is added": (
        APART,
        [
            fill("orders_7", first=60),
            "ALTER TABLE orders ATTACH PARTITION orders_7 FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
        ],
    ),
    "a partition is exchanged": (
        [*PARTS, "CREATE TABLE fresh (LIKE orders INCLUDING ALL)", fill("fresh", "new", 24, 47)],
        [
            "ALTER TABLE orders DETACH PARTITION orders_6",
            "ALTER TABLE orders ATTACH PARTITION fresh FOR VALUES FROM ('2021-02-06') TO ('2021-02-07')",
        ],
    ),
    "a half-filled table is made a child": (
        FAMILY,
        [fill("later", first=60), "ALTER TABLE later INHERIT orders"],
    ),
    "a half-filled table is made a grandchild": (
        FAMILY,
        [fill("later", first=60), "ALTER TABLE later INHERIT child"],
    ),
    "the half-filled child of another table is made a child": (
        FAMILY,
        [fill("of_both", first=60), "ALTER TABLE of_both INHERIT orders"],
    ),
    "a child is created": (FAMILY, ["CREATE TABLE young () INHERITS (orders)", fill("young", first=60)]),
    "a child is no longer one": (FAMILY, ["ALTER TABLE child NO INHERIT orders"]),
    "the table is renamed": (PLAIN, ["ALTER TABLE orders RENAME TO gone"]),
    "tables are swapped": (FRESH, ["ALTER TABLE orders RENAME TO gone", "ALTER TABLE fresh RENAME TO orders"]),
    "schemas are swapped": (
        SCHEMAS,
        [
            fill("fresh.orders", "new"),
            "ALTER SCHEMA public RENAME TO gone",
            "ALTER SCHEMA fresh RENAME TO public",
        ],
    ),
    "the table is dropped": (PLAIN, ["DROP TABLE orders"]),
    "dropped and created again": (PLAIN, ["DROP TABLE orders", TABLE.format("orders"), fill("orders", "new")]),
    "truncated": (PLAIN, ["TRUNCATE orders"]),
    "truncated and filled again": (PLAIN, ["TRUNCATE orders", fill("orders", "new")]),
    "vacuumed": (PLAIN, ["VACUUM FULL orders"]),
    "clustered": (PLAIN, ["CLUSTER orders USING orders_pkey"]),
    "made unlogged": (PLAIN, ["ALTER TABLE orders SET UNLOGGED"]),
    "row security": (PLAIN, ["ALTER TABLE orders ENABLE ROW LEVEL SECURITY"]),
    "a view is changed": (VIEW, ["CREATE OR REPLACE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "a view is created again": (VIEW, ["DROP VIEW orders", "CREATE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "the table of a view is swapped": (
        [*VIEW, TABLE.format("fresh"), fill("fresh", "new")],
        [
            "DROP VIEW orders",
            "ALTER TABLE base RENAME TO gone",
            "ALTER TABLE fresh RENAME TO base",
            "CREATE VIEW orders AS SELECT * FROM base",
        ],
    ),
    "a materialized view is refreshed": (
        [*VIEW[:2], "CREATE MATERIALIZED VIEW orders AS SELECT * FROM base"],
        ["UPDATE base SET kind = 'b'", "REFRESH MATERIALIZED VIEW orders"],
    ),
    "a value is added to an enum": (ENUM, ["ALTER TYPE mood ADD VALUE 'c' BEFORE 'a'"]),
    "a value of an enum is renamed": (ENUM, ["ALTER TYPE mood RENAME VALUE 'a' TO 'z'"]),
    "a value in an array of an enum is renamed": (
        [one.replace("kind mood", "kind mood[]").replace("'a' FROM", "'{a}' FROM") for one in ENUM],
        ["ALTER TYPE mood RENAME VALUE 'a' TO 'z'"],
    ),
    "an enum becomes a text": (ENUM, ["ALTER TABLE orders ALTER COLUMN kind TYPE text"]),
    "a type is renamed": (ENUM, ["ALTER TYPE mood RENAME TO temper"]),
}

#: The cases that `make test` runs. `make test-all` runs all of them.
SAMPLE = [
    *("a half-filled partition is added", "a half-filled table is made a child"),
    *("schemas are swapped", "tables are swapped"),
    *("a value of an enum is renamed", "truncated and filled again"),
]


@pytest.mark.parametrize(("both", "kind"), params("postgres", [*CASES], SAMPLE), indirect=["both"])
@by_moment
def test_the_rows_are_those_of_one_moment(
    both: Endpoints, kind: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_rows_of_one_moment(both, CASES[kind], moment, monkeypatch)


@pytest.mark.parametrize("both", ["postgres"], indirect=True)
def test_a_partition_that_is_attached_later_is_not_awaited(both: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools attach partitions each hour. A load that has begun to read neither reads them nor starts again."""
    made, statements = CASES["a half-filled partition is added"]
    for statement in made:
        both.source.run(statement)
    table = both.table("orders", load="replace_interval", cursor="at", interval="day", start=date(2021, 2, 5))
    began = list[int]()
    ddl = Ddl(both.source, statements)
    call_within(monkeypatch, ddl.start, "after the first rows")
    call_within(monkeypatch, lambda: began.append(1), "before the rows")
    assert both.load(table, "2021-02-05", "2021-02-08").rows == 48
    ddl.join()
    assert began == [1]


@pytest.mark.parametrize("both", ["postgres"], indirect=True)
@pytest.mark.parametrize("counts", [False, True])
def test_schemas_are_swapped_in_an_audit(both: Endpoints, counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new table has the same rows, but the snapshot shows none of them."""
    for statement in SCHEMAS:
        both.source.run(statement)
    table = both.table("orders", load="replace_interval", cursor="at", interval="day", start=date(2021, 2, 5))
    both.load(table, "2021-02-05", "2021-02-08")
    ddl = Ddl(both.source, [fill("fresh.orders"), *CASES["schemas are swapped"][1][1:]])
    reader, name = postgresql.PostgreSQLTable, "counts" if counts else "side"
    original = getattr(reader, name)

    def after_ddl(self: Any, *args: Any) -> Any:
        ddl.start()
        return original(self, *args)

    monkeypatch.setattr(reader, name, after_ddl)
    days = [Interval(datetime(2021, 2, day, tzinfo=UTC), datetime(2021, 2, day + 1, tzinfo=UTC)) for day in (5, 6, 7)]
    if counts:
        with pytest.raises(DatabaseError, match="DDL changed a table"), table.source.open(table, both) as opened:
            opened.counts(days)
    else:
        try:
            assert [found.verdict for found in audit(table, days, both.warehouse, both)] == ["equal"] * 3
        except DaybookError as error:
            assert "orders" in str(error)
    ddl.join()
