"""The report says what was found, what failed with its SQL, and what is left behind."""

import json
from datetime import UTC, datetime

from daybook.verify.matrix import Findings, Outcome, Status
from daybook.verify.registry import Check
from daybook.verify.verify_report import as_json, headline, markdown

GOOD = Check("a: good", "x", "dg/a.html", lambda bench: "")
BAD = Check("b: bad", "no row has a |", "dg/b.html", lambda bench: "")
OUTCOMES = [
    Outcome(GOOD, Status.EXPECTED, "fine", 1.25),
    Outcome(BAD, Status.FAILED, "a | b\nc", 0.5, "SELECT 1"),
]


def findings(**more: object) -> Findings:
    given = {"schema": "s", "began": datetime(2021, 2, 5, tzinfo=UTC), "outcomes": OUTCOMES}
    return Findings(**(given | more))  # type: ignore[arg-type]


def test_the_table_has_each_check_and_the_details_have_the_sql() -> None:
    text = markdown(findings())
    assert "| 🟩 | [a: good](https://docs.aws.amazon.com/redshift/latest/dg/a.html) | fine | 1.2 |" in text
    assert "| a \\| b c | 0.5 |" in text
    details = text.partition("## b: bad")[2]
    assert "- Expected: no row has a |." in details and "```sql\nSELECT 1\n```" in details
    assert "Nothing is left behind." in text and "## a: good" not in text


def test_what_is_left_behind_comes_first() -> None:
    text = markdown(findings(left_behind=["DROP SCHEMA s (no privilege)"]))
    assert text.index("- DROP SCHEMA s (no privilege)") < text.index("| 🟩 |")
    assert "Nothing is left behind" not in text


def test_a_run_is_good_if_nothing_failed_is_missing_or_left_behind() -> None:
    good = OUTCOMES[:1]
    assert findings(outcomes=good).good
    assert not findings().good
    assert not findings(outcomes=good, interrupted=True).good
    assert not findings(outcomes=good, left_behind=["x"]).good
    assert headline(findings(interrupted=True)) == "1 as expected, 1 FAILED, then interrupted"


def test_json_has_the_same() -> None:
    found = json.loads(as_json(findings()))
    assert [(one["name"], one["status"], one["sql"]) for one in found["checks"]] == [
        ("a: good", "as expected", None),
        ("b: bad", "FAILED", "SELECT 1"),
    ]
