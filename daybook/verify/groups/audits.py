"""Check that an audit finds a change that somebody made on the cluster, and that a repair reverts it."""

from daybook.audit.repair import to_repair
from daybook.audit.verdict import Verdict
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

_DAYS = 3
_CHANGES = {
    "a changed value": "UPDATE {s}.audited SET note = 'changed' WHERE id = 3",
    "a removed row": "DELETE FROM {s}.audited WHERE id = 9",
    "an added row": "INSERT INTO {s}.audited (id, at, note) VALUES (1000, '2024-01-03 01:00', 'added')",
}


@check(
    "audits: find and repair",
    page="dg/SHA2.html",
    expects="the audit finds a changed value, a removed row and an added row, each in its day and by its key, and all "
    "days are equal after a repair",
)
def find_and_repair(bench: Workbench) -> str:
    """Change one row of each day on the cluster, audit, repair, and audit again."""
    bench.make("audited", "at timestamp, note text", f"{EVERY_3_HOURS}, 'ö ' || n")
    table = bench.table("audited")
    bench.load(table, day(0), day(_DAYS))
    _require_equal(bench, "after the load")
    for sql in _CHANGES.values():
        bench.run(sql)
    found = bench.audit(table, _DAYS)
    for what, one in zip(_CHANGES, found, strict=True):
        keys = str(one.differences)
        if one.verdict is not Verdict.WAREHOUSE_ALTERED:
            raise Unexpected(f"{what}: the verdict is {one.verdict}: {keys}")
    for interval in to_repair(table, found, max_repair=1):
        bench.load(table, interval.start, exact=True)
    _require_equal(bench, "after the repair")
    return f"found {', '.join(_CHANGES)}; all {_DAYS} days are equal after the repair"


def _require_equal(bench: Workbench, when: str) -> None:
    verdicts = [str(one.verdict) for one in bench.audit(bench.table("audited"), _DAYS)]
    if set(verdicts) != {Verdict.EQUAL}:
        raise Unexpected(f"{when}: {', '.join(verdicts)}")
