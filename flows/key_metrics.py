"""Compute the key metrics of complete weeks, for BI, an artifact with a chart, and a weekly message."""

from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.orchestration.artifacts.key_metrics import show
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.metrics.weeks import choose, compute, run_name, send, write
from daybook.orchestration.parameters.key_metrics import SendMessage, Week, Weeks


@flow(name="key-metrics", flow_run_name=run_name, **retry_options())
def key_metrics(week: Week = None, weeks: Weeks = 2, tell: SendMessage = False) -> list[Metrics]:
    """Compute failed runs, SLA attainment, time to recovery and freshness of each table and week."""
    chosen = choose(week, weeks)
    metrics = compute(chosen)
    history = write(metrics, chosen[-1])
    show(history, chosen[-1].start.date())
    if tell:
        send(history, chosen[-1].start.date())
    return metrics


if __name__ == "__main__":
    run(key_metrics)
