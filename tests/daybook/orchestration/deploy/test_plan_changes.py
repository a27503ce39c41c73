"""The changes of a deploy plan in words, from deployments as the server returns them."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from prefect.client.schemas.responses import DeploymentResponse

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.targets.project_target import Target
from daybook.orchestration.deploy.deploy_plan import Plan, Update
from daybook.orchestration.deploy.document import Settings, changes, document_of, document_on_server
from daybook.orchestration.deploy.plan_changes import deployment_changes
from daybook.orchestration.deploy.wanted import Wanted, WantedSchedule

WantedSchedule("UTC", "0 6 * * *").as_prefect()  # imports Prefect's parser of cron texts, which starts a process
SETTINGS = Settings.of(ProjectFile(name="shop"), "/srv/shop", Target())
SHARED = Wanted(
    "load",
    "production-0600",
    "x",
    ("raw.a", "raw.b"),
    {"tables": ["raw.a", "raw.b"]},
    WantedSchedule("UTC", "0 6 * * *"),
)
OWN = Wanted("load", "raw.a", "x", ("raw.a",), {"tables": ["raw.a"]})


def stored(wanted: Wanted, root: str = "/srv/shop", **more: Any) -> DeploymentResponse:
    """Return the deployment as the server has it after a deploy in `root`."""
    document = document_of(wanted, Settings.of(ProjectFile(name="shop"), root, Target()), {})
    schedule = wanted.schedule
    fields = {
        "id": uuid4(),
        "flow_id": uuid4(),
        "name": wanted.name,
        "description": document["description"],
        "tags": document["tags"],
        "parameters": document["parameters"],
        "entrypoint": document["entrypoint"],
        "pull_steps": document["pull steps"],
        "job_variables": document["environment"],
        "work_pool_name": "daybook",
        "global_concurrency_limit": {"name": "x", "limit": 1, "active_slots": 0, "slot_decay_per_second": 0},
        "concurrency_options": {"collision_strategy": "ENQUEUE"},
        "schedules": [{"schedule": schedule.as_prefect(), "slug": schedule.slug, "active": True}] if schedule else [],
        **more,
    }
    return DeploymentResponse.model_validate(fields)


def updated(wanted: Wanted, found: DeploymentResponse) -> list[str]:
    document = document_of(wanted, SETTINGS, {})
    parts = changes(document, document_on_server(found, []))
    plan = Plan(SETTINGS, update=[Update(wanted, document, found, parts, [])] if parts else [])
    return [text for one in deployment_changes(plan, {"raw.a"}, same_pull=False) for text in one.details]


def test_a_schedule_and_the_tables_of_a_shared_run() -> None:
    later = replace(
        SHARED, schedule=WantedSchedule("Europe/Berlin", "0 7 * * *"), tags=("raw.b",), parameters={"tables": ["raw.b"]}
    )
    assert sorted(updated(later, stored(SHARED))) == [
        "schedule: 0 6 * * * UTC → 0 7 * * * Europe/Berlin",
        "tables: − raw.a",
        "tags: − raw.a",
    ]
    assert updated(replace(OWN, schedule=SHARED.schedule), stored(OWN)) == ["schedule: none → 0 6 * * * UTC"]


def test_what_starts_after_other_tables_and_values_of_the_environment() -> None:
    after = replace(OWN, after=("raw.b",))
    assert updated(after, stored(OWN)) == ["starts after: nothing → raw.b"]
    (text,) = updated(OWN, stored(OWN, job_variables={"env": {"TOKEN": "secret"}}))
    assert "TOKEN" in text and "secret" not in text


def test_the_folder_of_another_checkout_is_no_change() -> None:
    assert updated(OWN, stored(OWN, root="/home/runner/work/shop")) == []
    assert updated(OWN, stored(OWN)) == []


def test_created_and_removed_deployments_name_their_tables() -> None:
    plan = Plan(
        SETTINGS,
        create=[(SHARED, document_of(SHARED, SETTINGS, {}))],
        remove=[("load/raw.gone", stored(replace(OWN, name="raw.gone", tags=("raw.gone",))), [])],
    )
    assert [
        (one.name, one.action, one.tables) for one in deployment_changes(plan, {"raw.a", "raw.b"}, same_pull=True)
    ] == [
        ("load/production-0600", "create", ("raw.a", "raw.b")),
        ("load/raw.gone", "remove", ("raw.gone",)),
    ]
