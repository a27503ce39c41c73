"""DDL at a MySQL or MariaDB source while a load reads: it commits the rows before the DDL or those after it."""

import pytest

from tests.support.mid_load_ddl import Case, both, by_moment, check_rows_of_one_moment, params
from tests.support.source_and_warehouse import Endpoints

__all__ = ["both"]
FILL = (
    "INSERT INTO {table} (id, at, note, kind) WITH RECURSIVE n (id) AS (SELECT {first} UNION ALL SELECT id + 1 FROM n "
    "WHERE id < {last}) SELECT id, CAST('2021-02-05' AS datetime) + INTERVAL id HOUR, "
    "CONCAT('{word} ', id, REPEAT('x', 30000)), 'a' FROM n"
)


def fill(table: str, word: str = "old", first: int = 0, last: int = 71) -> str:
    return FILL.format(table=table, word=word, first=first, last=last)


COLUMNS = (
    "id int, at datetime NOT NULL, note mediumtext CHARACTER SET utf8mb4, kind varchar(20) CHARACTER SET latin1, "
    "extra int DEFAULT 1"
)
TABLE = f"CREATE TABLE {{}} ({COLUMNS}, PRIMARY KEY (id), KEY orders_at (at))"
PLAIN = [TABLE.format("orders"), fill("orders")]
FRESH = [*PLAIN, TABLE.format("fresh"), fill("fresh", "new")]
PARTS = [
    f"CREATE TABLE orders ({COLUMNS}, PRIMARY KEY (id, at), KEY orders_at (at)) "
    "PARTITION BY RANGE COLUMNS (at) (PARTITION p5 VALUES LESS THAN ('2021-02-06'), "
    "PARTITION p6 VALUES LESS THAN ('2021-02-07'), PARTITION p7 VALUES LESS THAN ('2021-02-08'))",
    fill("orders"),
]
VIEW = [TABLE.format("base"), fill("base"), "CREATE VIEW orders AS SELECT * FROM base"]
ENUM = [PLAIN[0].replace("kind varchar(20) CHARACTER SET latin1", "kind enum('a', 'b')"), PLAIN[1]]

CASES: dict[str, Case] = {
    "a column is added": (PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7"]),
    "a column is added first": (PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7 FIRST"]),
    "a column is dropped": (PLAIN, ["ALTER TABLE orders DROP COLUMN extra"]),
    "a column is renamed": (PLAIN, ["ALTER TABLE orders CHANGE extra other int"]),
    "columns swap their names": (
        PLAIN,
        ["ALTER TABLE orders CHANGE note kind mediumtext, CHANGE kind note varchar(20)"],
    ),
    "a column changes its type": (PLAIN, ["ALTER TABLE orders MODIFY id bigint NOT NULL"]),
    "a column changes its place": (PLAIN, ["ALTER TABLE orders MODIFY extra int FIRST"]),
    "another character set": (PLAIN, ["ALTER TABLE orders CONVERT TO CHARACTER SET utf8mb4"]),
    "another collation": (
        PLAIN,
        ["ALTER TABLE orders MODIFY note mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"],
    ),
    "an index is added": (PLAIN, ["CREATE INDEX more ON orders (extra)"]),
    "an index is dropped": (PLAIN, ["DROP INDEX orders_at ON orders"]),
    "the key is dropped": (PLAIN, ["ALTER TABLE orders DROP PRIMARY KEY"]),
    "a partition is added": (
        PARTS,
        ["ALTER TABLE orders ADD PARTITION (PARTITION p8 VALUES LESS THAN ('2021-02-09'))"],
    ),
    "a partition is dropped": (PARTS, ["ALTER TABLE orders DROP PARTITION p6"]),
    "a partition is truncated": (PARTS, ["ALTER TABLE orders TRUNCATE PARTITION p6"]),
    "a partition is exchanged": (
        [
            *PARTS,
            f"CREATE TABLE fresh ({COLUMNS}, PRIMARY KEY (id, at), KEY orders_at (at))",
            fill("fresh", "new", 24, 47),
        ],
        ["ALTER TABLE orders EXCHANGE PARTITION p6 WITH TABLE fresh"],
    ),
    "partitions are removed": (PARTS, ["ALTER TABLE orders REMOVE PARTITIONING"]),
    "the table is renamed": (PLAIN, ["RENAME TABLE orders TO gone"]),
    "tables are swapped": (FRESH, ["RENAME TABLE orders TO gone, fresh TO orders"]),
    "the table is dropped": (PLAIN, ["DROP TABLE orders"]),
    "dropped and created again": (
        PLAIN,
        ["DROP TABLE orders", TABLE.format("orders"), fill("orders", "new")],
    ),
    "truncated": (PLAIN, ["TRUNCATE TABLE orders"]),
    "truncated and filled again": (PLAIN, ["TRUNCATE TABLE orders", fill("orders", "new")]),
    "another engine": (PLAIN, ["ALTER TABLE orders ENGINE = MyISAM"]),
    "optimized": (PLAIN, ["OPTIMIZE TABLE orders"]),
    "rebuilt": (PLAIN, ["ALTER TABLE orders FORCE"]),
    "a generated column is added": (
        PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED"],
    ),
    "a virtual column is added": (
        PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) VIRTUAL"],
    ),
    "values of an enum change places": (ENUM, ["ALTER TABLE orders MODIFY kind enum('b', 'a')"]),
    "a value of an enum is replaced": (
        ENUM,
        [
            "ALTER TABLE orders MODIFY kind enum('a', 'b', 'z')",
            "UPDATE orders SET kind = 'z'",
            "ALTER TABLE orders MODIFY kind enum('z', 'b')",
        ],
    ),
    "a view is changed": (VIEW, ["CREATE OR REPLACE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "a view is created again": (
        VIEW,
        ["DROP VIEW orders", "CREATE VIEW orders AS SELECT * FROM base WHERE id >= 30"],
    ),
    "the table of a view is swapped": (
        [*VIEW, TABLE.format("fresh"), fill("fresh", "new")],
        ["RENAME TABLE base TO gone, fresh TO base"],
    ),
}

# MariaDB 11.8 cannot exchange these partitions, even if nobody reads: the statement waits for a lock of its own.
OF_MARIADB = [kind for kind in CASES if kind != "a partition is exchanged"]


@pytest.mark.parametrize(
    ("both", "kind"),
    [
        *params("mariadb", OF_MARIADB, ["tables are swapped"]),
        *params("mysql", [*CASES], ["dropped and created again"]),
    ],
    indirect=["both"],
)
@by_moment
def test_the_rows_are_those_of_one_moment(
    both: Endpoints, kind: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_rows_of_one_moment(both, CASES[kind], moment, monkeypatch)
