"""Apply the automations of a file to a Prefect server. Automations are matched by name and updated in place.

Daybook owns an automation if its name begins with `daybook: ` and it has the tag `daybook`. All others are left alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.sorting import AutomationSort
from prefect.events.actions import Action
from prefect.events.filters import AutomationFilter, AutomationFilterTags
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.automations.errors import AutomationRefused, NotDeployed
from daybook.orchestration.automations.spec import PREFIX, TAG, Step, Wanted
from daybook.orchestration.blocks.server import server
from daybook.orchestration.blocks.stored_blocks import document
from daybook.orchestration.pagination import PAGE
from daybook.orchestration.server.programs import deploy_command

#: Prefect's slugs for block types whose slug differs from the name in the file.
_SLUGS = {"SlackWebhook": "slack-incoming-webhook"}
#: The environment variable for each block that the server itself can send messages with.
_VARIABLES = {"SlackWebhook/slack": "SLACK_WEBHOOK_URL"}
_SERVERS_OWN = {"id", "owner_resource"}


@dataclass(frozen=True)
class Outcome:
    """The outcome for one automation. `action` is created, updated, unchanged, removed or note."""

    name: str
    action: str
    says: str


def apply(wanted: Sequence[Wanted]) -> Iterator[Outcome]:
    """Create, update and delete the server's automations to match `wanted`. Yield each outcome as it happens.

    An automation that a person switched off stays off, unless the file says `enabled: true`. A notification whose block
    is missing is left out, with a note.

    Raises:
        ServerUnreachable: the outcomes yielded so far are done; a rerun does the rest.
        NotDeployed: a deployment that an automation runs is missing. Nothing was changed.
        AutomationRefused: the server rejects an automation, with its reasons.
    """
    with server() as client:
        ids = {on: _id(client, on) for one in wanted for step in one.steps if (on := step.on)}
        absent = [(one.name, on[1]) for one in wanted for on in _missing(one, ids, "deployment")]
        if absent:
            raise NotDeployed(
                "\n".join(
                    f"{name}: the deployment {missing} does not exist: run `{deploy_command()}`"
                    for name, missing in absent
                )
            )
        ours, doubles = _ours(client)
        for one in wanted:
            for _, block in _missing(one, ids, "block"):
                yield Outcome(one.name, "note", _without(block))
            steps = [step for step in one.steps if step.on not in _missing(one, ids, "block")]
            if steps:
                yield _put(client, one, steps, ids, ours.pop(one.name, None))
        for stored in [*ours.values(), *doubles]:
            client.delete_automation(stored.id)
            why = "a duplicate" if stored in doubles else "it is no longer in the file, or has no action left"
            yield Outcome(stored.name, "removed", why)


def _put(
    client: SyncPrefectClient,
    one: Wanted,
    steps: list[Step],
    ids: dict[tuple[str, str], UUID | None],
    stored: Automation | None,
) -> Outcome:
    is_new = stored is None
    try:
        if stored is None:
            # An automation that pauses itself needs its own ID, which exists only after it is created.
            known = [step for step in steps if not _on_itself(step)]
            id = client.create_automation(_automation(one, [_at(step, ids, None) for step in known], True))
            stored = client.read_automation(id)
            assert stored is not None
        wanted = _automation(one, [_at(step, ids, stored.id) for step in steps], stored.enabled)
        differs = _content(wanted) != _content(stored)
        if differs:
            client.update_automation(stored.id, wanted)
        return Outcome(one.name, "created" if is_new else "updated" if differs else "unchanged", one.description)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != 422:
            raise
        raise AutomationRefused(f"{one.name}: the server rejects it: {_reasons(error.response)}") from None


def _automation(one: Wanted, actions: list[Action], enabled: bool) -> AutomationCore:
    # Send empty values for fields that the file cannot have, to remove what was added in the UI.
    return AutomationCore.model_validate(
        {
            "name": one.name,
            "description": one.description,
            "enabled": enabled if one.enabled is None else one.enabled,
            "tags": [TAG],
            "trigger": one.trigger,
            "actions": actions,
            "actions_on_trigger": [],
            "actions_on_resolve": [],
        }
    )


def _at(step: Step, ids: dict[tuple[str, str], UUID | None], itself: UUID | None) -> Action:
    if step.on is None:
        return step.action
    id = itself if _on_itself(step) else ids[step.on]
    assert id is not None
    return step.at(id)


def _on_itself(step: Step) -> bool:
    return step.on is not None and step.on[0] == "automation"


def _content(automation: AutomationCore) -> dict[str, Any]:
    return automation.model_dump(exclude=_SERVERS_OWN)


def _id(client: SyncPrefectClient, on: tuple[str, str]) -> UUID | None:
    """Return the ID of a deployment or a block, or None if it is missing or `on` is the automation itself."""
    kind, name = on
    if kind == "deployment":
        try:
            return client.read_deployment_by_name(name).id
        except ObjectNotFound:
            return None
    if kind == "block":
        type, _, block = name.partition("/")
        found = document(client, _SLUGS.get(type, type), block)
        return found.id if found else None
    return None


def _missing(one: Wanted, ids: dict[tuple[str, str], UUID | None], kind: str) -> list[tuple[str, str]]:
    return [step.on for step in one.steps if step.on and step.on[0] == kind and ids[step.on] is None]


def _without(block: str) -> str:
    variable = _VARIABLES.get(block)
    remedy = f"set {variable}, run `daybook blocks`" if variable else "create it in the UI, under Blocks"
    return (
        f"the block {block} is missing, so the server itself sends no message: {remedy}, then run `{deploy_command()}`"
    )


def _ours(client: SyncPrefectClient) -> tuple[dict[str, Automation], list[Automation]]:
    """Return our automations by name, and the duplicates of each but the oldest: concurrent deploys may create them."""
    tagged = AutomationFilter(tags=AutomationFilterTags(all_=[TAG]))
    found = client.read_automations(automations=tagged, sort=AutomationSort.CREATED_DESC, limit=PAGE)
    ours: dict[str, Automation] = {}
    doubles = []
    for automation in reversed(found):
        if automation.name.startswith(PREFIX) and ours.setdefault(automation.name, automation) is not automation:
            doubles.append(automation)
    return ours, doubles


def _reasons(response: httpx.Response) -> str:
    """Return each field and its error from the server's answer, without the values that were sent."""
    try:
        answer = response.json()
        return "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'][1:])}: {problem['msg']}"
            for problem in answer["exception_detail"]
        )
    except (ValueError, KeyError, TypeError):
        return " ".join(response.text.split())[:500]
