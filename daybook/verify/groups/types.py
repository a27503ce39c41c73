"""Check that every type arrives with its extreme values."""

from dataclasses import dataclass

from daybook.audit.verdict import Verdict
from daybook.errors import DaybookError
from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import Workbench, one_line

_ALL_BYTES = "\\x" + bytes(range(256)).hex()


@dataclass(frozen=True)
class _Case:
    """A type of PostgreSQL, and values as PostgreSQL spells them."""

    type: str
    values: tuple[str, ...]


_CASES = (
    _Case("smallint", ("-32768", "32767")),
    _Case("integer", ("-2147483648", "2147483647")),
    _Case("bigint", ("-9223372036854775808", "9223372036854775807")),
    _Case("boolean", ("t", "f")),
    _Case("numeric(38,0)", ("9" * 38, "-" + "9" * 38)),
    _Case("numeric(38,37)", ("-9." + "9" * 37, "0." + "0" * 36 + "1")),
    _Case("numeric(19,0)", ("9" * 19, "-" + "9" * 19)),
    _Case("numeric", ("1" + "0" * 60 + "." + "1" * 40, "0.10")),
    _Case("real", ("3.4028235e+38", "-3.4028235e+38", "1.1754944e-38", "1e-45", "-0", "0.1")),
    _Case("double precision", ("1.7976931348623157e+308", "2.2250738585072014e-308", "5e-324", "-0", "0.1")),
    _Case("date", ("0001-01-01", "2024-02-29", "9999-12-31")),
    _Case("timestamp", ("0001-01-01 00:00:00", "2024-03-10 02:30:00.000001", "9999-12-31 23:59:59.999999")),
    _Case("timestamptz", ("0001-01-01 00:00:00+00", "2024-03-31 01:30:00.123456+00", "9999-12-31 23:59:59.999999+00")),
    _Case("time", ("00:00:00", "23:59:59.999999")),
    _Case("timetz", ("02:30:00.000001+00",)),
    _Case("interval", ("1 year 2 mons -3 days +04:05:06.789",)),
    _Case("varchar(10)", ("", "😀" * 10)),
    _Case("char(4)", ("x   ", "abcd")),
    _Case("text", ("", "text")),
    _Case("uuid", ("123e4567-e89b-12d3-a456-426655440000",)),
    _Case("json", ('{"b": 1.5,  "a": [null, "é😀"]}', "null")),
    _Case("jsonb", ('{"b": 2, "a": [null, "é😀"]}', "null")),
    _Case("bytea", (_ALL_BYTES, "\\x00", "\\x")),
    _Case("text[]", ('{a,"b,c",NULL}',)),
)


@check(
    "types: extreme values",
    page="dg/c_Supported_data_types.html",
    expects="the extreme values of each type, and NULL, are equal on both sides by the audit's checksum",
)
def extreme_values(bench: Workbench) -> str:
    """Load all types in one table; if that fails or differs, load each type in a table of its own to name it."""
    try:
        left_out = _load(bench, "every_type", _CASES)
    except (DaybookError, Unexpected) as error:
        if not (failures := _one_by_one(bench)):
            raise Unexpected(f"each type alone is equal, but not all together: {one_line(error)}") from error
        raise Unexpected("; ".join(failures)) from error
    count = sum(len(case.values) for case in _CASES)
    found = f"{len(_CASES)} types with {count} values are equal"
    return found + (f"; not compared: {'; '.join(left_out)}" if left_out else "")


@check(
    "types: JSON as SUPER",
    page="dg/limitations-super.html",
    expects="a JSON of more than 65,535 bytes, which a VARCHAR cannot hold, is loaded into a column with the declared "
    "type `super`",
)
def json_as_super(bench: Workbench) -> str:
    """Load a long JSON, and ask for its length."""
    text = '{"a":"' + "x" * 70_000 + '"}'
    bench.run_in_source("CREATE TABLE {s}.documents (id int PRIMARY KEY, doc json)")
    bench.run_in_source("INSERT INTO {s}.documents VALUES (1, %s), (2, '[]')", (text,))
    bench.load(bench.table("documents", WHOLE_TABLE.name, columns={"id": "integer", "doc": "super"}))
    found = bench.one("SELECT json_size(doc) FROM {s}.documents WHERE id = 1")
    if found != len(text):
        raise Unexpected(f"its JSON_SIZE is {found:,}, expected {len(text):,}")
    return f"its JSON_SIZE is {found:,}"


@check(
    "types: TIMETZ with an offset",
    page="dg/r_Datetime_types.html",
    expects="Redshift keeps it in UTC, and the audit's checksums are equal",
)
def offset_of_time(bench: Workbench) -> str:
    """Load a time of another offset than UTC's."""
    bench.make("offsets", "clock timetz", "'02:30:00.000001+05:30'", 1)
    table = bench.table("offsets", WHOLE_TABLE.name)
    bench.load(table)
    kept = str(bench.one('SELECT clock::varchar FROM "{s}"."offsets"'))
    if "+05:30" in kept:
        raise NotChecked(f"this server keeps it as {kept}, which contradicts AWS's documentation")
    if any(one.verdict is not Verdict.EQUAL for one in bench.audit_whole(table)):
        raise Unexpected(f"it is kept as {kept}, and the checksums differ")
    return f"02:30:00.000001+05:30 is kept as {kept}"


def _one_by_one(bench: Workbench) -> list[str]:
    """Return the types that fail alone, each with the reason."""
    failures = []
    for number, case in enumerate(_CASES):
        try:
            _load(bench, f"type_{number}", (case,))
        except (DaybookError, Unexpected) as error:
            failures.append(f"{case.type}: {one_line(error)}")
    return failures


def _load(bench: Workbench, name: str, cases: tuple[_Case, ...]) -> list[str]:
    """Load a table with a column for each case, and compare it. Return the reasons why columns were not compared."""
    columns = ", ".join(f"c{number} {case.type}" for number, case in enumerate(cases))
    bench.run_in_source(f"CREATE TABLE {{s}}.{name} (id int PRIMARY KEY, {columns})")
    names = ", ".join(f"c{number}" for number in range(len(cases)))
    places = ", ".join(f"%s::text::{case.type}" for case in cases)
    longest = max(len(case.values) for case in cases)
    for row in range(longest + 1):
        values = [case.values[row] if row < len(case.values) else None for case in cases]
        bench.run_in_source(f"INSERT INTO {{s}}.{name} (id, {names}) VALUES ({row}, {places})", values)
    table = bench.table(name, WHOLE_TABLE.name)
    bench.load(table)
    found = bench.audit_whole(table)
    differing = [one for one in found if one.verdict is not Verdict.EQUAL]
    if differing:
        one = differing[0]
        raise Unexpected(f"the checksums differ: source {one.source}, cluster {one.warehouse}, {one.differences}")
    return list(found[0].recipe.left_out.values())
