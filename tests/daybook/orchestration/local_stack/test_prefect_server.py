"""The local Prefect server, on SQLite: no event misses its automation, whoever else writes."""

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Iterator

import httpx
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore, EventTrigger
from prefect.types._datetime import now

from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.stack import LocalStack

EVENTS = 40


def database(stack: LocalStack) -> contextlib.closing[sqlite3.Connection]:
    """The server's database, beside the server."""
    file = stack.home / "prefect" / "prefect.db"
    return contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None))


@contextlib.contextmanager
def somebody_writes(stack: LocalStack) -> Iterator[None]:
    """Others write into the server's database all the time, as its own services do on a busy day."""
    over = threading.Event()

    def write() -> None:
        with database(stack) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE IF NOT EXISTS of_a_test (at REAL)")
            while not over.wait(0.0005):
                connection.execute("INSERT INTO of_a_test VALUES (1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def happens(event: str, number: int, api: str) -> None:
    """Have this event of the resource `number` happen."""
    resource = {"prefect.resource.id": f"a.test.{number}"}
    sent = {"occurred": now("UTC").isoformat(), "event": event, "resource": resource, "id": str(uuid.uuid4())}
    httpx.post(f"{api}/events", json=[sent], timeout=60).raise_for_status()


def begun(stack: LocalStack, automation: uuid.UUID) -> int:
    """For how many resources the automation waits for the end."""
    with database(stack) as connection:
        buckets = "SELECT count(*) FROM automation_bucket WHERE automation_id = ?"
        return int(connection.execute(buckets, [str(automation)]).fetchone()[0])


def fired(api: str, automation: uuid.UUID) -> int:
    """How many times the automation has fired."""
    fires = {"name": ["prefect.automation.triggered"]}
    its = {"id": [f"prefect.automation.{automation}"]}
    found = httpx.post(f"{api}/events/filter", json={"filter": {"event": fires, "resource": its}, "limit": 1})
    return int(found.raise_for_status().json()["total"])


def test_each_event_fires_its_automation(prefect_server: str, stack: LocalStack) -> None:
    """The end of what has begun is the case: Prefect reads first what it knows of the begin, and then writes."""
    trigger = EventTrigger(after={"test.begin"}, expect={"test.end"}, for_each={"prefect.resource.id"}, within=600)
    with get_client(sync_client=True) as client:
        automation = client.create_automation(AutomationCore(name="a test's", trigger=trigger, actions=[]))
        try:

            def all_begun() -> bool:  # the server looks at an automation's events from a moment after it was made
                for number in range(EVENTS):
                    happens("test.begin", number, prefect_server)
                return wait_until(lambda: begun(stack, automation) == EVENTS, 5)

            assert wait_until(all_begun, 60)
            with somebody_writes(stack):
                for number in range(EVENTS):
                    happens("test.end", number, prefect_server)
            wait_until(lambda: fired(prefect_server, automation) == EVENTS, 30)
            assert fired(prefect_server, automation) == EVENTS
        finally:
            client.delete_automation(automation)


def test_no_request_is_refused_because_others_write(prefect_server: str, stack: LocalStack) -> None:
    """Creating a deployment reads first what there is, and then writes: with 503, a client waits for two seconds."""
    with somebody_writes(stack), httpx.Client(base_url=prefect_server, timeout=60) as client:
        flow = client.post("/flows/", json={"name": "a test's"}).raise_for_status().json()["id"]
        asked = ({"flow_id": flow, "name": f"number {number}"} for number in range(EVENTS))
        answers = [client.post("/deployments/", json=each).status_code for each in asked]
        client.delete(f"/flows/{flow}").raise_for_status()
    assert answers == [201] * EVENTS
