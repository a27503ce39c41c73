"""Run Prefect's process worker: `python -m daybook.orchestration.local_stack.worker OPTION …`.

It may start at the same time as the server. It imports its modules while the server starts, and then waits for it.
"""

import os
import sys

import httpx

from daybook.orchestration.local_stack.polling import wait_until

SERVER_START = 120  # seconds; the first start creates the database, which takes long on a slow machine


def answers(api: str) -> bool:
    """Return True if the Prefect server at `api` answers."""
    try:
        return httpx.get(f"{api}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def settle_abandoned(pool: str) -> int:
    """Mark the unfinished runs of a dead worker as crashed, which frees their concurrency slots. Return their number.

    Call it only when no worker of the pool runs: then no run of the pool can be running.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        WorkPoolFilter,
        WorkPoolFilterName,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.states import Crashed

    from daybook.orchestration.pagination import PAGE

    unfinished = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        )
    )
    with get_client(sync_client=True) as client:
        abandoned = client.read_flow_runs(
            flow_run_filter=unfinished,
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
            sort=FlowRunSort.START_TIME_ASC,
            limit=PAGE,
        )
        for run in abandoned:
            client.set_flow_run_state(run.id, Crashed(message="Its worker was killed."), force=True)
    return len(abandoned)


def main(arguments: list[str]) -> None:
    """Do what `prefect worker start` does with these arguments, once the server answers."""
    import prefect.cli.worker
    import prefect.workers.process
    from prefect.plugins import load_prefect_collections

    load_prefect_collections()  # the worker would do that after the server has answered
    if not wait_until(lambda: answers(os.environ["PREFECT_API_URL"]), SERVER_START):
        sys.exit(f"The Prefect server at {os.environ['PREFECT_API_URL']} did not answer within {SERVER_START} s.")
    settle_abandoned(arguments[arguments.index("--pool") + 1])
    sys.argv = ["prefect", "worker", "start", *arguments]
    prefect.cli.app()


if __name__ == "__main__":
    main(sys.argv[1:])
