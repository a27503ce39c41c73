"""The report of `daybook diff` as Markdown: an overview, and one collapsed section for each table."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from daybook.diff.diff_report import BY_SELECT, DatasetDiff, DeploymentChange, Report
from daybook.diff.field_changes import is_text, line_changes, shortened
from daybook.diff.formats import wording

#: The first line of a comment, by which the next one replaces it. The generated CI searches for it.
MARK = "<!-- daybook diff"
#: GitHub refuses comments of more than 65,536 characters.
_LONGEST = 60_000
_OVERVIEW = 40  # tables that are shown without unfolding
_DEPLOYMENTS = 20
_TABLES = 8
_SQL_LINES = 100
_WORDS = ("none", BY_SELECT)
_SPECIAL = re.compile(r"([\\*_\[\]~|#])")


def as_markdown(report: Report) -> str:
    """Return the report as Markdown of GitHub and GitLab, with at most as many characters as a comment may have."""
    datasets = wording.in_order(report)
    mark = re.sub(r"[^\w. -]+", "_", f"{report.project} {report.target}")  # the shell of CI puts it into quotes
    head = "\n".join([f"{MARK} {mark} -->", *_head(report, datasets)])
    tail = "\n".join(_tail(report))
    room, parts = _LONGEST - len(head) - len(tail), list[str]()
    for number, diff in enumerate(datasets):
        section = "\n".join(_section(diff))
        room -= len(section) + 1
        if room < 0:
            rest = f"{len(datasets) - number} more tables or summaries with differences"
            parts.append(f"\n… and {rest}, which a comment has no room for. `daybook diff` shows all of them.")
            break
        parts.append(section)
    return "\n".join([head, *parts, tail]).rstrip() + "\n"


def _head(report: Report, datasets: Sequence[DatasetDiff]) -> Iterator[str]:
    since = f" since {_code(report.since)}" if report.since else ""
    yield f"### Deploying this to {_code(report.target)}{since}"
    yield ""
    yield f"{_prose(wording.totals(report))}."
    yield ""
    if report.problems:
        yield "> [!WARNING]"
        yield "> Not everything could be compared:"
        for problem in report.problems:
            hidden = f" (hides {_prose(wording.listed(problem.hides, _TABLES))})" if problem.hides else ""
            why = "<br>".join(_prose(line) for line in problem.why.splitlines())
            yield f"> - **{_prose(problem.where)}**: {why}{hidden}"
        yield ""
    if datasets:
        folded = len(datasets) > _OVERVIEW
        if folded:
            yield f"<details><summary>Overview of {len(datasets)} tables and summaries</summary>\n"
        yield "| | what changes | rows to load |"
        yield "|---|---|---|"
        shown = datasets[: 5 * _OVERVIEW]
        yield from map(_row, shown)
        if len(shown) < len(datasets):
            yield f"| … and {len(datasets) - len(shown)} more | | |"
        if folded:
            yield "\n</details>"
        yield ""


def _row(diff: DatasetDiff) -> str:
    fails = ["**the next run fails**"] if diff.refused else []
    what = "; ".join([*fails, *map(_prose, wording.phrases(diff))]) or "; ".join(map(_prose, diff.notes[:1]))
    rows = [one.rows for one in diff.refills]
    known = [one for one in rows if one is not None]
    about = "about " if any("estimated" in one.rows_are for one in diff.refills) else ""
    text = f"{about}{sum(known):,}" if known else "unknown" if rows else ""
    return f"| {_code(diff.name, in_table=True)} | {what} | {text} |"


def _section(diff: DatasetDiff) -> Iterator[str]:
    words = "; ".join(wording.phrases(diff))
    yield f"<details><summary><b>{escape(diff.name)}</b>{f': {escape(words)}' if words else ''}</summary>\n"
    short = [one for one in diff.fields if not is_text(one)]
    if short:
        rows = [(one.field, shortened(one.before), shortened(one.after)) for one in short]
        yield from _table(("field", "before", "after"), rows)
    for one in diff.fields:
        if is_text(one):
            yield f"{_code(one.field)}:"
            yield from _block("diff", *line_changes(one)[:_SQL_LINES])
    if diff.columns:
        columns = [
            (one.column, one.before or "none", one.after or "none", wording.column_note(diff, one))
            for one in diff.columns
        ]
        yield from _table(("column", "in the warehouse", "after", ""), columns, plain=3)
    for text in diff.refused:
        yield "**The next run fails** until this is corrected:"
        yield from _block("text", text)
    if diff.statements:
        yield "To be run by hand, as no load does it:"
        yield from _block("sql" if any(one.startswith("ALTER") for one in diff.statements) else "sh", *diff.statements)
    yield from (f"- {_prose(note)}" for note in diff.notes)
    yield from (_deployment(change) for change in diff.deployments)
    if diff.notes or diff.deployments:
        yield ""
    for refill in diff.refills:
        yield f"**To load**: {_prose(wording.refill_text(refill))}"
        yield from _block("sh", refill.command) if refill.command else [""]
    if diff.summaries:
        yield f"**Summaries downstream**: {', '.join(map(_code, diff.summaries))}\n"
    yield "</details>"


def _tail(report: Report) -> Iterator[str]:
    if not report.deployments:
        return
    words = wording.counted(len(report.deployments), "deployment")
    yield f"<details><summary>{words} of several tables, or of unchanged ones</summary>\n"
    yield from (_deployment(change) for change in report.deployments[:_DEPLOYMENTS])
    if len(report.deployments) > _DEPLOYMENTS:
        more = len(report.deployments) - _DEPLOYMENTS
        yield f"- … and {more} more: `daybook deploy --dry-run --verbose` lists them"
    yield "\n</details>"


def _deployment(change: DeploymentChange) -> str:
    return f"- {change.action} {_code(change.name)}: {'; '.join(_prose(shortened(one)) for one in change.details)}"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], plain: int | None = None) -> Iterator[str]:
    """Yield a table. Its cells are code, except those of the column `plain` and _WORDS."""
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    for row in rows:
        cells = [
            _prose(cell) if place == plain or cell in _WORDS else _code(cell, in_table=True)
            for place, cell in enumerate(row)
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _block(language: str, *lines: str) -> Iterator[str]:
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    yield f"{fence}{language}\n{text}\n{fence}\n"


def _code(text: str, *, in_table: bool = False) -> str:
    """Return text as code, so that nothing in it is Markdown, HTML or the name of a person."""
    line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    blank = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{blank}{line.replace('|', chr(92) + '|') if in_table else line}{blank}{fence}"


def _prose(text: str) -> str:
    """Return text in which only `code` is Markdown. A name after @ notifies nobody."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        parts = ["'".join(parts)]
    escaped = [
        f"`{part}`" if place % 2 else _SPECIAL.sub(r"\\\1", escape(part, quote=False)).replace("@", "@<!-- -->")
        for place, part in enumerate(parts)
    ]
    return "".join(escaped)
