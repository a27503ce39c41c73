"""Show the results of a run of the summaries: the outcome of each, its check warnings, and what it reads."""

from prefect.artifacts import create_markdown_artifact

from daybook.orchestration.artifacts import checks
from daybook.orchestration.artifacts.text import one_line, page_key
from daybook.summaries.builder.build import Built
from daybook.summaries.builder.scheduler import BuildResults
from daybook.summaries.graph import Graph


def show(graph: Graph, outcome: BuildResults) -> BuildResults:
    """Show the results on the run's page. Return them unchanged."""
    create_markdown_artifact(
        key=page_key("summaries"), markdown=markdown(graph, outcome), description=headline(graph, outcome)
    )
    return outcome


def headline(graph: Graph, outcome: BuildResults) -> str:
    """Return how many summaries were built, unchanged, failed, skipped, and are waiting for a first load."""
    built = sum(one.built for one in outcome.built.values())
    counts = {"built": built, "unchanged": len(outcome.built) - built}
    counts |= {"failed": len(outcome.failed), "skipped": len(outcome.skipped), "waiting": len(graph.waiting)}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no summaries"


def markdown(graph: Graph, outcome: BuildResults) -> str:
    """Return a line for each summary in build order, then what it reads and why it was built, then its checks.

    Long text comes below the table, because Prefect does not wrap the lines of a table.
    """
    lines, why = ["| summary | | rows | seconds |", "|---|---|---:|---:|"], list[str]()
    for name in graph.order:
        figures, reason = _cells(name, outcome)
        lines.append(f"| {name} | {figures} |")
        why.append(f"- **{name}**, from {', '.join(graph.lineages[name].inputs)}: {reason}")
    for name, awaited in graph.waiting.items():
        lines.append(f"| {name} | ⬜ waiting | | |")
        why.append(f"- **{name}**: waits for the first load of {', '.join(awaited)}")
    for name, built in outcome.built.items():
        why += checks.lines(built.checks, of=name)
    return "\n".join([*lines, "", *why])


def _cells(name: str, outcome: BuildResults) -> tuple[str, str]:
    """Return the state, rows and seconds of a summary as cells of the table, and the reason."""
    if name in outcome.failed:
        error = outcome.failed[name]
        return "🟥 failed | |", f"{type(error).__name__}: {one_line(str(error))}"
    if name in outcome.skipped:
        return "⬜ skipped | |", f"{', '.join(outcome.skipped[name])} failed. It keeps its last build"
    built: Built = outcome.built[name]
    if not built.built:
        return "🟦 unchanged | |", built.why
    mark = "🟨 built, with a warning" if built.warnings else "🟩 built"
    return f"{mark} | {built.rows:,} | {sum(built.seconds.values()):.1f}", f"built {built.label}: {built.why}"
