"""The tasks of the flow `summaries`: plan the builds, then build each summary after its inputs."""

from functools import partial

from prefect import get_run_logger, runtime
from prefect.cache_policies import NO_CACHE

from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.events import emit_built
from daybook.orchestration.flow import task
from daybook.orchestration.monitor_events import emit_check_results
from daybook.orchestration.run_tags import tag
from daybook.summaries.builder.build import Built, build
from daybook.summaries.builder.scheduler import BuildResults, run_in_order
from daybook.summaries.graph import Graph, plan_builds

MAX_ACTIVE_BUILDS = 4  # all of them query the same warehouse


def run_name() -> str:
    """Return the names of the requested summaries, or `summaries` for all of them."""
    tables = (runtime.flow_run.parameters or {}).get("tables")
    return ", ".join(tables) if tables else "summaries"


@task(name="plan", cache_policy=NO_CACHE)
def plan(tables: list[str] | None, without: list[str] | None = None) -> Graph:
    """Find what each summary reads, and refuse summaries that cannot be built before anything runs."""
    tag()  # the key metrics of a target count its own builds
    # The UI's form sends an empty list if nothing is selected.
    return plan_builds(blocks.warehouse(), tables or None, without=without or ())


def build_all(graph: Graph, full_refresh: bool) -> BuildResults:
    """Build the summaries of `graph`, each after its inputs."""
    return run_in_order(graph.inputs, partial(_build_one, graph, full_refresh), at_once=MAX_ACTIVE_BUILDS)


def _build_one(graph: Graph, full_refresh: bool, name: str) -> Built:
    """Build one summary, as a task run with its name."""
    built: Built = _build.with_options(task_run_name=name)(graph, full_refresh, name)
    return built


@task(name="build", cache_policy=NO_CACHE)
def _build(graph: Graph, full_refresh: bool, name: str) -> Built:
    lineage = graph.lineages[name]
    flow_run_id = runtime.flow_run.id
    built = build(lineage.summary, lineage, blocks.warehouse(), full_refresh=full_refresh, flow_run_id=flow_run_id)
    outcome = f"{built.label} ({built.why}), {built.rows:,} rows" if built.built else built.why
    get_run_logger().info("%s: %s", name, outcome)
    emit_built(built, lineage.summary)
    if built.built:
        emit_check_results(name, built.warnings)
    return built
