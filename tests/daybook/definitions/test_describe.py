"""`daybook describe` proposes a complete and correct table file for a live table. It loads as it is."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.describe import describe
from daybook.errors import SourceError, TableFileError
from tests.support.described_tables import Keys, described
from tests.support.source_and_warehouse import Database, Endpoints


def clock(source: Database) -> str:
    return "datetime(6)" if source.is_mysql else "timestamp"


#: Doubles the rows of a table with one, to more than are tiny.
MANY = "; ".join(["INSERT INTO things SELECT id + (SELECT max(id) FROM things), created_at, score FROM things"] * 12)
#: The columns of a table, the other objects created with it, the expected fields, and the expected text of its file.
SHAPES: dict[str, tuple[str, str | None, dict[str, Any], tuple[str, ...]]] = {
    "modified and a key": (
        "id int PRIMARY KEY, created_at {clock} NOT NULL, modified {clock} NOT NULL",
        "CREATE INDEX m ON things (modified); INSERT INTO things VALUES (1, '2020-01-01', '2021-02-05 10:00:00')",
        {"load": "upsert", "key": ("id",), "cursor": "modified", "interval": "day", "deleted": None},
        ("start: 2021-02-05",),
    ),
    "modified without an index": (
        "id int PRIMARY KEY, modified {clock} NOT NULL",
        None,
        {"load": "upsert", "cursor": "modified"},
        ("no index begins with it, so every load reads the whole table",),
    ),
    "an indexed one of two": (
        "id int PRIMARY KEY, modified {clock} NOT NULL, updated_at {clock} NOT NULL",
        "CREATE INDEX m ON things (updated_at)",
        {"load": "upsert", "cursor": "updated_at"},
        (),
    ),
    "deleted by a flag": (
        "id int PRIMARY KEY, modified_at {clock} NOT NULL, is_deleted smallint NOT NULL",
        "CREATE INDEX m ON things (modified_at)",
        {"load": "upsert", "cursor": "modified_at", "deleted": "is_deleted", "on_delete": "keep"},
        ("deleted: is_deleted # deleted rows are kept with this flag; on_delete: apply",),
    ),
    "deleted by a moment": (
        "id int PRIMARY KEY, updated_at {clock} NOT NULL, deleted_at {clock}",
        "CREATE INDEX m ON things (updated_at)",
        {"load": "upsert", "cursor": "updated_at", "deleted": "deleted_at"},
        (),
    ),
    "append-only": (
        "id int PRIMARY KEY, created_at {clock} NOT NULL, score smallint",
        "CREATE INDEX m ON things (created_at); INSERT INTO things VALUES (1, '2021-02-05 10:00:00', 5); "
        f"{MANY}; ANALYZE {{table}} things",
        {"load": "replace_interval", "key": ("id",), "cursor": "created_at", "deleted": None},
        ("start: 2021-02-05",),
    ),
    "a tiny table": (
        "id int PRIMARY KEY, created_at {clock} NOT NULL, score smallint",
        "INSERT INTO things VALUES (1, '2021-02-05', 5), (2, '2021-02-05', 5); ANALYZE {table} things",
        {"load": "replace", "key": ("id",), "cursor": None},
        ("load: replace # a tiny table (about 2 rows). If it grows, load it by intervals of created_at",),
    ),
    "append-only without a key": (
        "ts {clock} NOT NULL, score smallint",
        "CREATE INDEX m ON things (ts)",
        {"load": "replace_interval", "key": (), "cursor": "ts"},
        ("the source has no primary key",),
    ),
    "camel case": (
        "orderId int PRIMARY KEY, updatedAt {clock} NOT NULL, isDeleted smallint",
        "CREATE INDEX m ON things (updatedAt)",
        {"load": "upsert"},
        (),
    ),
    "no time at all": (
        "id int PRIMARY KEY, score smallint",
        None,
        {"load": "replace", "key": ("id",), "cursor": None, "interval": None},
        ("load: replace # no column has the time",),
    ),
    "modified without a key": (
        "id int, modified {clock} NOT NULL",
        None,
        {"load": "replace", "cursor": None, "key": ()},
        ("load: replace # load: upsert with the cursor modified needs a key",),
    ),
    "created and deleted": (
        "id int PRIMARY KEY, created_at {clock} NOT NULL, deleted_at {clock}",
        "CREATE INDEX m ON things (created_at)",
        {"load": "replace", "cursor": None, "deleted": "deleted_at"},
        ("deleted_at marks deleted rows, and intervals of created_at would miss that change",),
    ),
    "a text that is called modified": (
        "id int PRIMARY KEY, modified varchar(20) NOT NULL",
        None,
        {"load": "replace", "cursor": None},
        (),
    ),
    "a key of two": (
        "a int NOT NULL, b int NOT NULL, modified {clock} NOT NULL, PRIMARY KEY (b, a)",
        None,
        {"load": "upsert", "key": ("b", "a")},
        (),
    ),
    "a unique index for a key": (
        "a int NOT NULL, b int, modified {clock} NOT NULL, UNIQUE (b), UNIQUE (a)",
        None,
        {"load": "upsert", "key": ("a",)},
        (),
    ),
    "a unique index with nulls is no key": (
        "a int, modified {clock} NOT NULL, UNIQUE (a)",
        None,
        {"load": "replace", "key": ()},
        (),
    ),
    "a cursor that may be null": (
        "id int PRIMARY KEY, modified {clock}",
        "CREATE INDEX m ON things (modified)",
        {"load": "upsert", "cursor": "modified"},
        ("rows without it belong to no interval",),
    ),
    "what is private": (
        "id int PRIMARY KEY, email varchar(99), phone varchar(20)",
        None,
        {"load": "replace", "mask": {}},
        ("mask: {email: null, phone: null}",),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_proposed_fields(source: Database, shape: str, tmp_path: Path) -> None:
    columns, more, expected, texts = SHAPES[shape]
    source.run(f"CREATE TABLE things ({columns.format(clock=clock(source))})")
    for statement in more.format(table="TABLE" * source.is_mysql).split("; ") if more else ():
        source.run(statement)
    table, text = described(source, "things", tmp_path)
    assert {field: getattr(table, field) for field in expected} == expected
    for part in texts:
        assert part in text, text
    assert table.description == f"Rows of {source.namespace}.things."


#: Types of MariaDB and of PostgreSQL. A table file must be able to declare all of them.
TYPES = {
    True: (
        "a tinyint, b int unsigned, c bigint unsigned, d decimal(20,4), e float, f double, g bit(1), h bit(9), "
        "i char(3), j varchar(300), k longtext, l blob, m date, n datetime, o datetime(3), p timestamp(6) NULL, "
        "q time(2), r year, s json, t enum('x','y'), u point, v uuid, `on` int, `a b` int, `null` int, `%d` int"
    ),
    False: (
        "a smallint, b bigint, d numeric(20,4), d2 numeric, e real, f double precision, g boolean, i char(3), "
        "j varchar(300), j2 varchar, k text, l bytea, m date, n timestamp, o timestamp(3), p timestamptz, q time, "
        "r timetz, s json, s2 jsonb, u inet, v uuid, w int[], x money, y interval, z tsvector, "
        '"on" int, "a b" int, "null" int, "%d" int, "Ä" int'
    ),
}


def test_every_type_can_be_declared_and_loads(ends: Endpoints, tmp_path: Path) -> None:
    types = TYPES[ends.source.is_mysql].replace("%d", "%%d")
    if ends.source.is_mysql and not ends.source.is_mariadb:
        types = types.replace("v uuid", "v vector(3)")
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, {types})", ())
    ends.source.run("INSERT INTO things (id) VALUES (1)")
    table, _ = described(ends.source, "things", tmp_path)
    named = table.model_copy(update={"name": f"{ends.destination.namespace}.things"})
    assert table.columns and next(iter(table.columns)) == "id" and "on" in table.columns and "a b" in table.columns
    assert ends.load(named).rows == 1


def test_a_view(source: Database, tmp_path: Path) -> None:
    source.run(f"CREATE TABLE things (id int PRIMARY KEY, modified {clock(source)} NOT NULL)")
    source.run("INSERT INTO things VALUES (1, '2021-02-05 10:00:00')")
    source.run("CREATE VIEW seen AS SELECT id, modified AS created_at FROM things")
    table, text = described(source, "seen", tmp_path)
    assert (table.load, table.cursor, table.key) == ("replace_interval", "created_at", ())
    assert "a view has no key" in text and "no index" not in text
    assert f"table: {source.namespace}.seen" in text


def test_an_empty_table_has_no_first_day(source: Database, tmp_path: Path) -> None:
    source.run(f"CREATE TABLE things (id int PRIMARY KEY, modified {clock(source)} NOT NULL)")
    table, text = described(source, "things", tmp_path)
    assert table.start is None and "Add the first day to load: start: …" in text


@pytest.mark.parametrize(("days", "start"), [("20210-02-05", None), ("infinity", None), ("infinity 2021-02-05", 5)])
def test_a_day_that_python_lacks_is_not_the_first(
    postgres_source: Database, tmp_path: Path, days: str, start: int | None
) -> None:
    postgres_source.run("CREATE TABLE things (id int PRIMARY KEY, modified timestamptz NOT NULL)")
    postgres_source.insert("things", [(number, day) for number, day in enumerate(days.split())])
    table, _ = described(postgres_source, "things", tmp_path)
    assert table.start == (date(2021, 2, start) if start else None)


def test_the_proposed_file_loads_as_it_is(ends: Endpoints, tmp_path: Path) -> None:
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, modified {clock(ends.source)} NOT NULL, email text)")
    ends.source.insert("things", [(n, f"2021-02-0{5 + n} 10:00:00", f"{n}@b.c") for n in range(3)])
    table, _ = described(ends.source, "things", tmp_path)
    named = table.model_copy(update={"name": f"{ends.destination.namespace}.things"})
    assert ends.load(named, "2021-02-05", "2021-02-08").rows == 3
    assert ends.rows(named, "id, email") == [(n, f"{n}@b.c") for n in range(3)]


def test_an_unknown_table(source: Database) -> None:
    source.run("CREATE TABLE orders (id int PRIMARY KEY)")
    with pytest.raises(SourceError, match=r"no table '.*oders'.*did you mean 'orders'\?"):
        describe(Keys(source), "production", f"{source.namespace}.oders")  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["DROP TABLE base", "ALTER TABLE base DROP COLUMN note"])
def test_a_view_that_cannot_be_read(mysql_source: Database, change: str) -> None:
    mysql_source.run("CREATE TABLE base (id int PRIMARY KEY, note text)")
    mysql_source.run("CREATE VIEW things AS SELECT * FROM base")
    mysql_source.run(change)
    with pytest.raises(SourceError, match=r"no table '.*things'.*references invalid table") as caught:
        describe(Keys(mysql_source), "production", f"{mysql_source.namespace}.things")  # type: ignore[arg-type]
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("name", ["orders", "a.b.c", "../x.orders", "raw/x.orders", "."])
def test_an_invalid_name(source: Database, name: str) -> None:
    source.run("CREATE TABLE orders (id int PRIMARY KEY)")
    with pytest.raises(TableFileError, match=r"is not a table name of the warehouse: write schema\.table"):
        describe(Keys(source), "production", f"{source.namespace}.orders", name)  # type: ignore[arg-type]
