"""Build the summaries under tables/ whose inputs have changed, in the order of what they read."""

from functools import partial

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from daybook.orchestration.artifacts.summaries import show
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.events import emit_built
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.monitor_events import emit_check_results
from daybook.orchestration.parameters import BuildAnew, SummaryNames
from daybook.summaries.builder.build import Built, build
from daybook.summaries.builder.scheduler import BuildResults, run_in_order
from daybook.summaries.graph import Graph, plan_builds

AT_ONCE = 4  # builds at a time: they are queries of the same warehouse


def run_name() -> str:
    """What is built: `summaries`, or the names of those that were asked for."""
    tables = (runtime.flow_run.parameters or {}).get("tables")
    return ", ".join(tables) if tables else "summaries"


@flow(name="summaries", flow_run_name=run_name, **retry_options())
def summaries(tables: SummaryNames = None, full_refresh: BuildAnew = False) -> BuildResults:
    """Build the summaries whose inputs have changed. Readers keep the last good build until the next one is checked."""
    graph = plan(tables)
    outcome = run_in_order(graph.inputs, partial(build_one, graph, full_refresh), at_once=AT_ONCE)
    return show(graph, outcome).checked()


@task(name="plan", cache_policy=NO_CACHE)
def plan(tables: list[str] | None) -> Graph:
    """Find out what each summary reads, and refuse what cannot be built before anything runs."""
    return plan_builds(blocks.warehouse(), tables or None)  # an empty list is what a form makes of nothing


def build_one(graph: Graph, full_refresh: bool, name: str) -> Built:
    """Build one summary, as a task of its own that has its name."""
    built: Built = _build.with_options(task_run_name=name)(graph, full_refresh, name)
    return built


@task(name="build", cache_policy=NO_CACHE)
def _build(graph: Graph, full_refresh: bool, name: str) -> Built:
    lineage = graph.lineages[name]
    flow_run_id = runtime.flow_run.id
    built = build(lineage.summary, lineage, blocks.warehouse(), full_refresh=full_refresh, flow_run_id=flow_run_id)
    what = f"{built.label} ({built.why}), {built.rows:,} rows" if built.built else built.why
    get_run_logger().info("%s: %s", name, what)
    emit_built(built, lineage.summary)
    if built.built:
        emit_check_results(name, built.warnings)
    return built


if __name__ == "__main__":
    run(summaries)
