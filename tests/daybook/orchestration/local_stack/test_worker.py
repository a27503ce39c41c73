"""The local stack's worker: what it does before it polls for runs."""

from prefect.states import Running

from daybook.orchestration.local_stack.stack import WORK_POOL
from daybook.orchestration.local_stack.worker import answers, settle_abandoned
from tests.support.project_copy import Deployed
from tests.support.servers.ports import free_port


def test_the_runs_of_a_dead_worker_are_marked_as_crashed(deployed: Deployed) -> None:
    deployment = deployed.client.read_deployment_by_name("nps/daily")
    run = deployed.client.create_flow_run_from_deployment(deployment.id, state=Running())
    assert settle_abandoned(WORK_POOL) == 1
    state = deployed.client.read_flow_run(run.id).state
    assert state and (state.is_crashed(), state.message) == (True, "Its worker was killed.")
    assert settle_abandoned(WORK_POOL) == 0


def test_a_server_that_does_not_run_does_not_answer(prefect_server: str) -> None:
    assert answers(prefect_server)
    assert not answers(f"http://127.0.0.1:{free_port()}/api")
