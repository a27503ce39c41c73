"""Check what AWS's documentation does not say, and Daybook relies on."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import Workbench

_WAIT = 1  # seconds until the second session waits for the lock
_LOCK_AND_COUNT = (("LOCK", "lock_first"), ("SELECT count(*) FROM", "lock_rows"))


@check(
    "unproven: FROM_HEX('')",
    page="dg/r_FROM_HEX.html",
    expects="a VARBYTE of 0 bytes, which is not NULL",
)
def empty_hex(bench: Workbench) -> str:
    """Daybook writes empty binary values by FROM_HEX('')."""
    bench.run('CREATE TABLE "{s}"."empty_hex" (value varbyte(10))')
    bench.run('INSERT INTO "{s}"."empty_hex" VALUES (FROM_HEX(\'00\'))')
    bench.run('UPDATE "{s}"."empty_hex" SET value = FROM_HEX(\'\')')
    length = bench.one('SELECT octet_length(value) FROM "{s}"."empty_hex"')
    if length != 0:
        raise Unexpected(f"its length is {length}")
    return "a VARBYTE of 0 bytes"


@check(
    "unproven: microseconds",
    page="dg/r_DATEFORMAT_and_TIMEFORMAT_strings.html",
    expects="COPY with TIMEFORMAT 'auto' keeps fractions of 0 to 6 digits",
)
def microseconds(bench: Workbench) -> str:
    """Load a time for each number of digits."""
    fractions = ["", *(f".{'123456'[:digits]}" for digits in range(1, 7)), ".000001", ".999999"]
    bench.run_in_source("CREATE TABLE {s}.fractions (id int PRIMARY KEY, at timestamp, zoned timestamptz, clock time)")
    for number, fraction in enumerate(fractions):
        clock = f"2024-01-01 10:11:12{fraction}"
        bench.run_in_source("INSERT INTO {s}.fractions VALUES (%s, %s, %s, %s)", (number, clock, f"{clock}+00", clock))
    bench.load(bench.table("fractions", WHOLE_TABLE.name))
    source, cluster = bench.both_sides("fractions", "at, zoned, clock")
    if source != cluster:
        wrong = [f"{left} arrived as {right}" for left, right in zip(source, cluster, strict=True) if left != right]
        raise Unexpected("; ".join(wrong))
    return f"{len(fractions)} fractions are the same in timestamps with and without a zone, and in times"


@check("unproven: order of NaN", page="dg/r_Numeric_types201.html")
def order_of_nan(bench: Workbench) -> str:
    """Sort the values of a DOUBLE PRECISION that are not finite."""
    bench.run('CREATE TABLE "{s}"."floats" (value double precision)')
    bench.run("INSERT INTO \"{s}\".\"floats\" VALUES ('NaN'), ('Infinity'), ('-Infinity'), (0), (NULL)")
    rows = bench.run('SELECT value::varchar FROM "{s}"."floats" ORDER BY value')
    return "ascending: " + ", ".join("NULL" if value is None else str(value) for (value,) in rows)


@check("unproven: SUPER", page="dg/r_SUPER_type.html")
def super_values(bench: Workbench) -> str:
    """Parse JSON into a SUPER, and serialize it again."""
    text = '{"b": 1.0, "a": [1.50, 1e2, 12345678901234567890.5], "b2": 1, "c": 2}'
    bench.run('CREATE TABLE "{s}"."supers" (value super)')
    bench.run('INSERT INTO "{s}"."supers" SELECT JSON_PARSE(%s)', (text,))
    found: str = bench.one('SELECT JSON_SERIALIZE(value) FROM "{s}"."supers"')
    same = "the same text" if found == text else "another text"
    keys = [name for name, _ in json.loads(found, object_pairs_hook=list)]
    return f"{text} is {same}: {found}; the order of its keys: {', '.join(keys)}"


@check("unproven: blanks at the end", page="dg/r_Character_types.html")
def trailing_blanks(bench: Workbench) -> str:
    """Compare two texts. If they are equal, Daybook cannot tell such keys apart by a join, and refuses them."""
    bench.run('CREATE TABLE "{s}"."blanks" (one varchar(10), other varchar(10))')
    bench.run("INSERT INTO \"{s}\".\"blanks\" VALUES ('a', 'a  ')")
    equal, left, right = bench.run(
        "SELECT count(CASE WHEN one = other THEN 1 END), max(octet_length(one)), max(octet_length(other)) "
        'FROM "{s}"."blanks"'
    )[0]
    return f"'a' and 'a  ' are {'equal' if equal else 'not equal'}, with the lengths {left} and {right}"


@check(
    "unproven: a snapshot begins after LOCK",
    page="dg/r_LOCK.html",
    expects="a transaction whose first statement is LOCK sees the rows that another one committed while it waited",
)
def snapshot_after_lock(bench: Workbench) -> str:
    """Two transactions lock an empty table; the second one counts the rows that the first one inserted."""
    bench.run('CREATE TABLE "{s}"."lock_first" (id int)')
    bench.run('CREATE TABLE "{s}"."lock_rows" (id int)')
    lock, count = (f'{begin} "{bench.schema}"."{name}"' for begin, name in _LOCK_AND_COUNT)
    # The first transaction ends first, so that the second one never waits for it forever.
    with ThreadPoolExecutor(1) as pool, bench.transaction() as second, bench.transaction() as first:
        first.run(lock)
        waiting = pool.submit(lambda: (second.run(lock), second.one(count)))
        time.sleep(_WAIT)
        if waiting.done():
            raise Unexpected("the second transaction did not wait for the lock of the first one")
        first.run(f'INSERT INTO "{bench.schema}"."lock_rows" VALUES (1)')
        first.run("COMMIT")
        seen = waiting.result()[1]
    if seen != 1:
        raise Unexpected(f"the second transaction saw {seen} rows instead of 1")
    return "the second transaction saw the row"


@check(
    "unproven: a DELETE of no rows locks its table",
    page="dg/c_write_readwrite.html",
    expects="after DELETE … WHERE FALSE in an open transaction, another writer waits, and a reader does not",
)
def lock_by_delete(bench: Workbench) -> str:
    """Loads take the write lock of their table by such a DELETE."""
    bench.run('CREATE TABLE "{s}"."lock_written" (id int)')
    table = f'"{bench.schema}"."lock_written"'

    def second() -> None:
        with bench.transaction() as session:
            session.run(f"DELETE FROM {table} WHERE FALSE")
            session.run("COMMIT")

    with ThreadPoolExecutor(1) as pool, bench.transaction() as session:
        session.run(f"DELETE FROM {table} WHERE FALSE")
        waiting = pool.submit(second)
        time.sleep(_WAIT)
        waited = not waiting.done()
        bench.run('SELECT count(*) FROM "{s}"."lock_written"')
        session.run("COMMIT")
        waiting.result()
    if not waited:
        raise Unexpected("the second writer did not wait")
    return "the second writer waited, and the reader did not"
