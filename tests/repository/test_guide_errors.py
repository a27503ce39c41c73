"""The errors that docs/guides/checks.md shows are those that the code raises today."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from daybook.definitions.table_files import read_table
from daybook.errors import CheckFailed
from daybook.load import guards
from daybook.load.check_runner import Result
from daybook.load.planning.plan import plan
from daybook.model.checks import Check

PAGE = (Path(__file__).parents[2] / "docs/guides/checks.md").read_text(encoding="utf-8")
TABLE = '"raw_data"."nps"'


def result(query: str, found: Any, before: Any = None, **check: Any) -> Result:
    """Return the result of a check whose query returned `found`, and `before` before the load."""
    given = Check(**check)
    bounds = given.bounds(before)
    assert bounds is not None
    return Result(given, query, found, given.expected(bounds, before), bounds.holds(found))


SCORE = "select count(*) from {} where score not between 0 and 10"
FAILED = (
    result(SCORE.format(TABLE), 40, sql=SCORE.format("{table}"), equals=0),
    result(
        f"select avg(score) from {TABLE}",
        Decimal("9.8571428571428571"),
        before=7,
        sql="select avg(score) from {table}",
        change_within="2%",
    ),
    result(f"SELECT count(*) FROM {TABLE}", 140, before=100, change_within="20%"),
)
NAMED = (
    result(
        f'SELECT count(*) FROM (SELECT "id" FROM {TABLE} GROUP BY "id" HAVING count(*) > 1) AS shared', 40, unique="id"
    ),
    result(
        f'SELECT count(*) FROM {TABLE} WHERE "id" IS NULL OR "created_at" IS NULL', 40, not_null=["id", "created_at"]
    ),
    result(
        f"SELECT count(*) FROM {TABLE} WHERE \"channel\" NOT IN ('mail', 'app')",
        40,
        accepted_values={"column": "channel", "values": ["mail", "app"]},
    ),
    result(
        f'SELECT count(*) FROM {TABLE} AS child WHERE child."user_id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM '
        '"raw_data"."users" AS parent WHERE parent."id" = child."user_id")',
        40,
        relationship={"column": "user_id", "to": "raw_data.users.id"},
    ),
    result(f"SELECT count(*) FROM {TABLE}", 140, row_count={"at_least": 150_000}),
    result(
        f'SELECT max("created_at") FROM {TABLE}',
        datetime(2021, 2, 5, tzinfo=UTC),
        fresh={"column": "created_at", "within": "2 days"},
    ),
)


def shown(text: str) -> str:
    """Return a text as the page may show it: on any number of lines, and with any time of today."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(", "… (", " ".join(text.split()))


def test_the_error_of_failed_checks_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "run_checks", lambda *args, **options: list(FAILED))
    day = plan(read_table("raw_data.nps"), date(2021, 2, 5))
    nothing = cast(Any, None)

    with pytest.raises(CheckFailed) as failed:
        guards.guard_checks(nothing, nothing, day, {})

    assert shown(str(failed.value)) in shown(PAGE)


@pytest.mark.parametrize("check", NAMED, ids=lambda check: check.check.kind)
def test_the_line_of_a_named_check_is_on_the_page(check: Result) -> None:
    assert shown(f"- {check}") in shown(PAGE)
