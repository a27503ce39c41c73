"""The checks of a load or a build on its run's page: what each asks, what it found, and what was expected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daybook.load.check_runner import Result

_MAX_CHECK = 48  # characters: Prefect's tables do not wrap lines, and the result must stay in view


def counted(results: "Sequence[Result]") -> str:
    """Return how many checks there are, and how many of them passed: `3 checks passed`, `2 of 3 checks passed`."""
    passed, number = sum(result.held for result in results), len(results)
    return f"{passed} of {number} checks passed" if passed < number else f"{number} check{'s' * (number > 1)} passed"


def lines(results: "Sequence[Result]", of: str = "") -> list[str]:
    """Return a heading and a table in Markdown, checks that warn first; no lines if there are no checks.

    `of` names what is checked, if the page is about several tables. The table has the beginning of long SQL. Checks
    that warn are listed below it with the whole SQL, which can be pasted.
    """
    if not results:
        return []
    from daybook.model.bounds import shown

    table = [
        "",
        f"**{f'{of}: ' if of else ''}{counted(results)}**",
        "",
        "| | check | found | expected |",
        "|---|---|---:|---|",
    ]
    for result in sorted(results, key=lambda result: result.held):
        asked = result.check.asked
        asked = asked if len(asked) <= _MAX_CHECK else f"{asked[:_MAX_CHECK]}…"
        cells = ("🟩 passed" if result.held else "🟨 warning", f"`{asked}`", shown(result.found), result.expected)
        table.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    # As code: in text, a `*` would start italics.
    warned = [f"- `{' '.join(str(result).split())}`" for result in results if not result.held]
    return [*table, *(["", *warned] if warned else [])]
