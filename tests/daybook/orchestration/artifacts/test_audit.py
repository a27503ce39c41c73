"""What an audit's page shows, where there is more than a page should hold."""

from datetime import date

from daybook.audit.interval_audit import Audited
from daybook.audit.row_diff import Differences
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.model.interval_grid import Grid
from daybook.orchestration.artifacts.audit import markdown
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.sums import Sum

DAYS = Grid("day").between(date(2021, 1, 1), date(2022, 1, 1))


def test_what_differs_is_shown_behind_ever_so_many_days_that_were_never_loaded() -> None:
    source = {"kind": "database", "table": "prod.nps"}
    given = {"owner": "tests", "source": source, "load": "replace_interval", "cursor": "at", "interval": "day"}
    table = Table(name="raw_data.nps", description="x", **given)
    recipe = ComparedColumns((), (), {"note_b": "note_b is text at the source and integer in the warehouse"})
    never = [Audited(day, Verdict.NEVER_LOADED, Sum(5, 1), None, Sum(), recipe) for day in DAYS[:-1]]
    there = Differences(added=1, exact=False, added_keys=("id=5|6_7*",))
    differs = Audited(DAYS[-1], Verdict.DIFFERS, Sum(6, 1), None, Sum(5, 1), recipe, there, "nobody knows")
    page = markdown(table, [*never, differs], "what to type")
    assert "| 2021-12-31 | ❓ | 6 | 0 | 5 | ≥ 1 | 0 | 0 |" in page
    assert r"- **2021-12-31**: added id=5|6\_7\*; nobody knows" in page
    assert page.count("| ⚪️ |") == 199 and "And 165 more, in daybook.audits" in page
    assert "Not compared:\n- note\\_b is text" in page and "`what to type`" in page
