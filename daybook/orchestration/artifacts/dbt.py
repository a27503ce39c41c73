"""Show the results of a dbt project on its run's page: a table with a line for each model and test."""

from prefect import get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.utilities.urls import url_for

from daybook.integrations.dbt.results import NodeResult, check
from daybook.orchestration.artifacts.text import page_key


def show(project: str, outcomes: list[NodeResult]) -> list[NodeResult]:
    """Write the result of each node to an artifact, and the totals to a log line. Return the results unchanged.

    Raises:
        DbtFailed: a model or a test failed.
    """
    get_run_logger().info("dbt project %s: %s", project, totals(outcomes))
    link = url_for("flow-run", obj_id=runtime.flow_run.id)
    create_table_artifact(
        key=page_key("dbt", project),
        table=[line(outcome) for outcome in outcomes],
        description=f"**{project}**: {totals(outcomes)}, by [{runtime.flow_run.name}]({link})",
    )
    check(project, outcomes)
    return outcomes


def totals(outcomes: list[NodeResult]) -> str:
    """Return the totals: `5 of 7 succeeded, 1 failed, 1 skipped`."""
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    counted = [f"{len(outcomes) - failed - skipped} of {len(outcomes)} succeeded"]
    counted += [f"{number} {word}" for number, word in ((failed, "failed"), (skipped, "skipped")) if number]
    return ", ".join(counted)


def line(outcome: NodeResult) -> dict[str, str | int | float | None]:
    """Return a line of the table."""
    return {
        "node": outcome.node,
        "status": outcome.status,
        "rows": outcome.rows,
        "seconds": round(outcome.seconds, 2),
        "message": outcome.message,
    }
