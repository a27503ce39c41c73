"""Distribution, sort keys and encodings: kept, shown, and the refusals that they cause."""

import psycopg2
import pytest

from tests.support.redshift_emulator.conftest import Query

KEYS = 'select "column", encoding, distkey, sortkey from pg_table_def where tablename = %s'


def keys(q: Query, table: str) -> dict[str, tuple[str, bool, int]]:
    return {column: rest for column, *rest in q(KEYS, table)}


def style(q: Query, table: str) -> tuple[str, str | None]:
    (found,) = q("select diststyle, sortkey1 from svv_table_info where schema = 't' and \"table\" = %s", table)
    return found


def test_the_catalog_shows_what_create_table_declares(q):
    """r_CREATE_TABLE_NEW.html, r_PG_TABLE_DEF.html, c_Compression_encodings.html."""
    q("create table a (id int, at timestamp, kind varchar(9) encode bytedict, x float) distkey(id) sortkey(at, id)")
    q("insert into a values (1)")
    assert keys(q, "a") == {
        "id": ["none", True, 2],
        "at": ["none", False, 1],
        "kind": ["bytedict", False, 0],
        "x": ["none", False, 0],
    }
    assert style(q, "a") == ("KEY(id)", "at")
    q("create table b (id int distkey, n int sortkey, v varchar, w int) diststyle key; insert into b values (1)")
    assert keys(q, "b")["w"] == ["az64", False, 0] and keys(q, "b")["v"] == ["lzo", False, 0]
    assert style(q, "b") == ("KEY(id)", "n")
    q("create table i (a int, b int, c int) diststyle even interleaved sortkey (b, c, a); insert into i values (1)")
    assert [sortkey for _, _, sortkey in keys(q, "i").values()] == [-3, -1, 2]
    assert style(q, "i") == ("EVEN", "INTERLEAVED")
    q("create table n (a int); insert into n values (1)")
    assert style(q, "n") == ("AUTO(EVEN)", "AUTO(SORTKEY)")
    q("create table e (a int) diststyle all")
    assert (
        q("select 1 from svv_table_info where \"table\" = 'e'") == []
    )  # "doesn't return any information for empty tables"
    assert q("select reldiststyle from pg_class_info where relname = 'e'") == [(8,)]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("create table z (a int) distkey(b)", 'column "b" does not exist'),
        ("create table z (a int) sortkey(a, b)", 'column "b" does not exist'),
        ("create table z distkey(b) as select 1 as a", 'column "b" does not exist'),
        ("create table z (a int) diststyle key", "requires a DISTKEY"),
        ("create table z (a int) diststyle even distkey(a)", "cannot specify DISTKEY"),
        ("create table z (a varchar(9) encode az64)", "invalid encoding"),
        ("create table z (a int encode text255)", "invalid encoding"),
        ("create table z (a int encode zip)", "invalid encoding"),
        ("alter table k alter distkey gone", 'column "gone" does not exist'),
        ("alter table k alter interleaved sortkey (a)", "syntax error"),
        ("alter table k alter column s encode bytedict", "same encoding"),
        ("alter table i alter diststyle even", "interleaved"),
        ("alter table i alter column b encode zstd", "interleaved"),
    ],
)
def test_what_is_refused(q, sql, error):
    """r_CREATE_TABLE_NEW.html; r_ALTER_TABLE.html."""
    q("create table k (a int, s varchar(9) encode bytedict) distkey(a)")
    q("create table i (a int, b int) interleaved sortkey (a, b)")
    with pytest.raises(psycopg2.Error, match=error):
        q(sql)
    assert q("select 1 from pg_class where relname = 'z'") == []


def test_a_column_of_a_key_is_not_dropped(q):
    """r_ALTER_TABLE.html, DROP COLUMN: "You can't drop a column if it's the distribution key or a sort key"."""
    q("create table k (id int, at date, n int, v int) distkey(id) sortkey(at, n)")
    q("alter table k rename column at to day")
    for column, kind in {"id": "distkey", "day": "sortkey", "n": "sortkey"}.items():
        with pytest.raises(psycopg2.Error, match=f'cannot drop {kind} column "{column}"'):
            q(f"alter table k drop column {column}")
    q("begin; alter table k alter sortkey none; alter table k alter diststyle even")
    q("alter table k drop column id; commit")
    q("alter table k drop column v; alter table k drop column n")
    q("alter table k alter compound sortkey (day), alter distkey day")
    assert keys(q, "k") == {"day": ["none", True, 1]}


def test_auto_preserves_what_was_chosen(q):
    """r_ALTER_TABLE.html, ALTER DISTSTYLE AUTO of a large table, and ALTER SORTKEY AUTO."""
    q("create table k (id int, at date) distkey(id) sortkey(at); insert into k values (1)")
    q("alter table k alter diststyle auto")
    q("alter table k alter sortkey auto")
    assert style(q, "k") == ("AUTO(KEY(id))", "AUTO(SORTKEY(at))")
    with pytest.raises(psycopg2.Error, match="cannot drop distkey column"):
        q("alter table k drop column id")
    q("delete from k")
    q("alter table k alter diststyle auto")
    assert keys(q, "k")["id"] == ["az64", False, 0]


def test_the_type_of_some_columns_is_not_altered(q):
    """r_ALTER_TABLE.html, ALTER COLUMN TYPE. django-redshift-backend's issue 96 has the words about a default."""
    q("""create table k (
           d varchar(9) default 'x', b varchar(9) encode bytedict, r varchar(9) encode runlength,
           t varchar(9) encode text255, u varchar(9) encode text32k, z varchar(9) encode zstd, p varchar(9) primary key,
           n int
         )""")
    for column, why in {
        "d": "default",
        "b": "bytedict",
        "r": "runlength",
        "t": "text255",
        "u": "text32k",
        "p": "PRIMARY KEY",
        "n": "VARCHAR",
    }.items():
        with pytest.raises(psycopg2.Error, match=why):
            q(f"alter table k alter column {column} type varchar(20)")
    q("alter table k alter column z type varchar(20)")
    q("alter table k alter column b encode zstd, alter column t encode lzo")
    q("alter table k alter column b type varchar(20)")


def test_what_a_copy_inherits(q):
    """r_CTAS_usage_notes.html; r_CREATE_TABLE_NEW.html, LIKE."""
    q("create table k (id int, at date, v varchar(9) encode zstd) distkey(id) sortkey(at); insert into k values (1)")
    q("create table same (like k); create table simple as select id, at, v from k where id > 0")
    assert keys(q, "same") == keys(q, "k")
    assert keys(q, "simple") == {**keys(q, "k"), "v": ["lzo", False, 0]}
    q("create table part as select v, id from k; create table grouped as select id, count(*) as n from k group by id")
    assert keys(q, "part") == {"v": ["lzo", False, 0], "id": ["az64", True, 0]}
    assert keys(q, "grouped")["id"] == ["az64", False, 0]
    q("create table named diststyle even sortkey(v) as select id, v from k")
    assert keys(q, "named") == {"id": ["az64", False, 0], "v": ["none", False, 1]}


def test_skew_and_unsorted_rows(q):
    """r_SVV_TABLE_INFO.html. A test says what the cluster measures."""
    q("create table k (id int) distkey(id); insert into k values (1)")
    q("select redshift_standin.set_health('t.k', 4.5, 21)")
    assert q("select skew_rows, unsorted from svv_table_info where \"table\" = 'k'") == [(4.5, 21)]
