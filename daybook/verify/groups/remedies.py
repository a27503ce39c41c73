"""Run the statements that Daybook prints in errors as printed, and check that the load goes through after them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import SchemaMismatch
from daybook.verify.registry import Check, Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day, one_line

#: The statements in a line of the error, without the prose after them.
_STATEMENTS = re.compile(r"\b((?:ALTER TABLE|CREATE TABLE|UPDATE) .*?)(?:;? \(?or\b.*|, and\b.*|\. If\b.*)?$")
_REQUIRED = (
    'CREATE TABLE "{s}"."{name}" (id bigint NOT NULL, at timestamp, number int, price numeric(8,2), '
    "note varchar(65535), required int NOT NULL)"
)


@dataclass(frozen=True)
class _Case:
    """A change of the source after the first load, or a table on the cluster before it, that makes a load fail."""

    name: str
    source: str = ""
    cluster: str = ""
    layout: Mapping[str, object] = field(default_factory=dict)


_CASES = (
    _Case("a new column", "ALTER TABLE {s}.{name} ADD COLUMN added int"),
    _Case("a column that is gone", "ALTER TABLE {s}.{name} DROP COLUMN price"),
    _Case("an integer that became a bigint", "ALTER TABLE {s}.{name} ALTER COLUMN number TYPE bigint"),
    _Case("a decimal with more digits", "ALTER TABLE {s}.{name} ALTER COLUMN price TYPE numeric(20,6)"),
    _Case("a number that became a text", "ALTER TABLE {s}.{name} ALTER COLUMN number TYPE varchar(20)"),
    _Case("another type of the cursor", "ALTER TABLE {s}.{name} ALTER COLUMN at TYPE timestamptz"),
    _Case("another type of the key", "ALTER TABLE {s}.{name} ALTER COLUMN id TYPE numeric(30)"),
    _Case(
        "another type of the keys of the layout",
        "ALTER TABLE {s}.{name} ALTER COLUMN number TYPE bigint",
        layout={"distkey": "number", "sortkey": ["number", "id"]},
    ),
    _Case("a required column", cluster=_REQUIRED),
)


def _check_of(number: int, case: _Case) -> Check:
    def find(bench: Workbench) -> str:
        return _fixed(bench, f"remedy_{number}", case)

    return check(
        f"remedies: {case.name}",
        page="dg/r_ALTER_TABLE.html",
        expects="the statements in the error run as printed; after them, the load goes through and the audit is equal",
    )(find)


CHECKS = [_check_of(number, case) for number, case in enumerate(_CASES)]


def statements_in(message: str) -> list[str]:
    """Return the SQL statements that an error's message prints, in order."""
    found: list[str] = []
    for line in message.splitlines():
        if match := _STATEMENTS.search(line):
            found += match[1].split("; ")
    return found


def _fixed(bench: Workbench, name: str, case: _Case) -> str:
    bench.make(name, "at timestamp, number int, price numeric(8,2), note text", f"{EVERY_3_HOURS}, n, n, n", 8)
    table = bench.table(name, redshift=dict(case.layout))
    if case.cluster:
        bench.run(case.cluster.replace("{name}", name))
    else:
        bench.load(table, day(0))
        bench.run_in_source(case.source.replace("{name}", name))
    statements = _remedy(bench, table)
    for statement in statements:
        bench.run(statement)
    bench.load(table, day(0))
    verdicts = [one.verdict for one in bench.audit(table, 1)]
    if verdicts != [Verdict.EQUAL]:
        raise Unexpected(f"after {'; '.join(statements)}: the load goes through, but the audit says {verdicts[0]}")
    return "; ".join(statements) or "the load needs no remedy"


def _remedy(bench: Workbench, table: Table) -> list[str]:
    """Load, and return the statements of the error; none if the load goes through."""
    try:
        bench.load(table, day(0))
    except SchemaMismatch as error:
        found = statements_in(str(error))
        if not found:
            raise Unexpected(f"the error prints no statement: {one_line(error)}") from error
        return found
    return []
