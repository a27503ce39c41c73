"""Build the summaries under tables/ whose inputs have changed, in the order of their dependencies."""

from daybook.orchestration.artifacts.summaries import show
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import summary_flow_options
from daybook.orchestration.parameters.summaries import LeftOut, RebuildAll, SummaryNames
from daybook.orchestration.summaries.build_tasks import build_all, plan, run_name
from daybook.summaries.builder.scheduler import BuildResults


@flow(name="summaries", flow_run_name=run_name, **summary_flow_options())
def summaries(tables: SummaryNames = None, full_refresh: RebuildAll = False, without: LeftOut = None) -> BuildResults:
    """Build the summaries whose inputs have changed. Readers keep the last good build until the next one is checked."""
    graph = plan(tables, without)
    results = build_all(graph, full_refresh)
    return show(graph, results).raise_for_failures()


if __name__ == "__main__":
    run(summaries)
