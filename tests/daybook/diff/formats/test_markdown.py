"""The Markdown of a report: readable for one table and for many, and harmless with any text."""

from daybook.diff.diff_report import ColumnChange, DatasetDiff, DeploymentChange, FieldChange, Problem, Refill, Report
from daybook.diff.formats.markdown import MARK, as_markdown
from daybook.diff.formats.text import as_text

OWED = Refill("never loaded", 3, "3 days: 2026-11-01 until 2026-11-04", 1200, "estimated from …", "daybook backfill x")


def report(*datasets: DatasetDiff, problems: tuple[Problem, ...] = ()) -> Report:
    return Report("shop", "dev", "origin/main (abc)", list(datasets), len(datasets), [], list(problems))


def test_one_table() -> None:
    diff = DatasetDiff("raw.orders", "table", "new", refills=[OWED], summaries=("analytics.daily",))
    text = as_markdown(report(diff))
    assert text.startswith(MARK + " shop dev -->\n### Deploying this to `dev` since `origin/main (abc)`\n")
    assert "1 new table, 1 summary downstream, about 1,200 rows to load." in text
    assert "| `raw.orders` | new table | about 1,200 |" in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert "```sh\ndaybook backfill x\n```" in text


def test_two_hundred_tables_fit_into_a_comment() -> None:
    columns = [ColumnChange(f"column_{number}", "add", None, "bigint") for number in range(20)]
    many = [DatasetDiff(f"raw.table_{n:03}", "table", "changed", columns=columns, refills=[OWED]) for n in range(200)]
    text = as_markdown(report(*many))
    assert len(text) <= 60_500
    assert "Overview of 200 tables and summaries" in text and "`raw.table_199`" in text
    assert "more tables or summaries with differences, which a comment has no room for" in text
    assert text.count("<details>") == text.count("</details>")
    assert as_text(report(*many)).count("\n") > 4000


def test_tables_whose_next_load_fails_are_first() -> None:
    fails = DatasetDiff("raw.z", "table", "changed", refused=["raw.z: its column 'a' is gone:\n- ALTER TABLE x"])
    text = as_markdown(report(DatasetDiff("raw.a", "table", "new"), fails))
    assert text.index("`raw.z`") < text.index("`raw.a`")
    assert "| `raw.z` | **the next run fails** |" in text


def test_no_text_becomes_markdown_html_or_a_mention() -> None:
    evil = "</details> | <img src=x> @team `a|b` ``` *x*"
    diff = DatasetDiff("raw.a", "table", "changed")
    diff.fields = [FieldChange("description", None, evil)]
    diff.notes = [evil]
    diff.refused = [evil]
    diff.deployments = [DeploymentChange("load/raw.a", "update", (), (evil,))]
    text = as_markdown(report(diff, problems=(Problem("source x", evil, ["raw.a"]),)))
    outside = "\n".join(line for line in text.splitlines() if not line.startswith(("````", "</details> | <img")))
    assert outside.count("</details>") - outside.count("`` ``` </details>") <= 2
    assert "&lt;img src=x&gt; @<!-- -->team" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| `description`"))
    assert row.replace("\\|", "").count("|") == 4


def test_nothing_changes() -> None:
    assert "nothing changes." in as_markdown(report())
    assert as_text(report()) == "shop, target dev, since origin/main (abc): nothing changes"


def test_what_was_not_compared_is_a_line() -> None:
    problem = Problem("source production", "could not connect\nCheck that it runs", ["raw.a", "raw.b"])
    assert "> - **source production**: could not connect<br>Check that it runs (hides raw.a, raw.b)" in as_markdown(
        report(problems=(problem,))
    )
    assert "  source production: could not connect (raw.a, raw.b)\n    Check that it runs" in as_text(
        report(problems=(problem,))
    )
