"""Check that a small load works. Without it, no other check can be made."""

from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import Workbench


@check(
    "access: a load",
    page="dg/copy-parameters-authorization.html",
    expects="Daybook writes to the bucket, Redshift reads it with the role, and the rows are in the table",
    gate=True,
)
def small_load(bench: Workbench) -> str:
    """Load one row."""
    bench.make("small", "note text", "'ö'", 1)
    report = bench.load(bench.table("small", WHOLE_TABLE.name))
    rows = bench.run('SELECT id, note FROM "{s}"."small"')
    if rows != [(0, "ö")]:
        raise Unexpected(f"the table has {rows}")
    return ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report.seconds.items())
