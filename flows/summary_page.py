"""What a run of the summaries shows: what became of each, what its checks warn of, and what it reads."""

from prefect.artifacts import create_markdown_artifact

from daybook.summary.build import Built
from daybook.summary.graph import Graph
from daybook.summary.side_by_side import Outcome

_LONGEST = 300  # characters of an error in the table: all of it stands in the run's message


def show(graph: Graph, outcome: Outcome) -> Outcome:
    """Show it on the run's page. Returns the outcome as it came."""
    create_markdown_artifact(key="summaries", markdown=markdown(graph, outcome), description=headline(graph, outcome))
    return outcome


def headline(graph: Graph, outcome: Outcome) -> str:
    """The numbers of those built, unchanged, failed, held back, and waiting for a first load."""
    built = sum(one.built for one in outcome.built.values())
    counts = {"built": built, "unchanged": len(outcome.built) - built}
    counts |= {"failed": len(outcome.failed), "held back": len(outcome.held_back), "waiting": len(graph.waiting)}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no summaries"


def markdown(graph: Graph, outcome: Outcome) -> str:
    """A line a summary, in the order of the builds, and what the checks warn of."""
    lines = ["| summary | | rows | seconds | what | reads |", "|---|---|---:|---:|---|---|"]
    for name in graph.order:
        lines.append(f"| {name} | {_row(name, outcome)} | {', '.join(graph.lineages[name].inputs)} |")
    for name, awaited in graph.waiting.items():
        lines.append(f"| {name} | ⬜ waiting | | | for the first load of {', '.join(awaited)} | |")
    warnings = [f"- **{name}**: `{text}`" for name, built in outcome.built.items() for text in built.warnings]
    if warnings:
        lines += ["", "What checks warn of:", "", *warnings]
    return "\n".join(lines)


def _row(name: str, outcome: Outcome) -> str:
    if name in outcome.failed:
        error = outcome.failed[name]
        said = " ".join(str(error).split()).replace("|", "\\|")
        return f"🟥 failed | | | {type(error).__name__}: {said[:_LONGEST]}"
    if name in outcome.held_back:
        return f"⬜ held back | | | waits for {', '.join(outcome.held_back[name])}"
    built: Built = outcome.built[name]
    if not built.built:
        return f"🟦 unchanged | | | {built.why}"
    mark = "🟨 built, with a warning" if built.warnings else "🟩 built"
    return f"{mark} | {built.rows:,} | {sum(built.seconds.values()):.1f} | {built.label}: {built.why}"
