"""Write the findings of a run as Markdown, to attach to an issue, or as JSON."""

import json
from collections import Counter
from collections.abc import Iterator

from daybook import __version__
from daybook.verify.matrix import Findings, Outcome, Status

_MARKS = {Status.EXPECTED: "🟩", Status.FAILED: "🟥", Status.MEASURED: "🟦", Status.NOT_CHECKED: "⬜"}
_LONGEST_SQL = 1500  # characters of a statement


def markdown(findings: Findings) -> str:
    """Return the report as Markdown: a summary, a table of all checks, and the details of those that failed."""
    return "\n".join(_lines(findings)) + "\n"


def as_json(findings: Findings) -> str:
    """Return the report as JSON."""
    return json.dumps(
        {
            "daybook": __version__,
            "began": findings.began.isoformat(timespec="seconds"),
            "schema": findings.schema,
            "good": findings.good,
            "interrupted": findings.interrupted,
            "left_behind": findings.left_behind,
            "checks": [
                {
                    "name": one.check.name,
                    "status": one.status.value,
                    "expected": one.check.expects or None,
                    "found": one.found,
                    "seconds": round(one.seconds, 2),
                    "page": one.check.url,
                    "sql": one.sql,
                }
                for one in findings.outcomes
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def line(one: Outcome) -> str:
    """Return one line about a check, for the terminal."""
    return f"{_MARKS[one.status]} {one.check.name}: {one.status} ({one.seconds:.1f} s)"


def headline(findings: Findings) -> str:
    """Return the result in one sentence."""
    counts = Counter(one.status for one in findings.outcomes)
    text = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status]) or "no check has ended"
    return text + (", then interrupted" if findings.interrupted else "")


def _lines(findings: Findings) -> Iterator[str]:
    yield "# Daybook on this Redshift"
    yield ""
    yield f"{headline(findings)}. Daybook {__version__}, {findings.began:%Y-%m-%d %H:%M} UTC, schema {findings.schema}."
    if findings.left_behind:
        yield ""
        yield "**Left behind.** Remove it by hand:"
        yield ""
        yield from (f"- {one}" for one in findings.left_behind)
    else:
        yield "Nothing is left behind."
    yield ""
    yield "| | check | found | s |"
    yield "|---|---|---|---:|"
    for one in findings.outcomes:
        name = f"[{one.check.name}]({one.check.url})"
        yield f"| {_MARKS[one.status]} | {name} | {_cell(one.found)} | {one.seconds:.1f} |"
    yield ""
    yield ", ".join(f"{mark} {status}" for status, mark in _MARKS.items())
    for one in findings.outcomes:
        if one.status is Status.FAILED:
            yield from _failure(one)


def _failure(one: Outcome) -> Iterator[str]:
    yield ""
    yield f"## {one.check.name}"
    yield ""
    if one.check.expects:
        yield f"- Expected: {one.check.expects}."
    yield f"- Found: {one.found}"
    yield f"- The rule: {one.check.url}"
    if one.sql:
        yield ""
        yield "```sql"
        yield one.sql[:_LONGEST_SQL]
        yield "```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
