"""The stage, COPY and notifications: written to and read, and reached without a message."""

import uuid
from collections.abc import Callable, Iterator

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.events.filters import AutomationFilter, AutomationFilterTags

from daybook.definitions.targets.project_target import current_target
from daybook.errors import DaybookError
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.orchestration.automations.spec import PREFIX, TAG
from daybook.orchestration.blocks.open import blocks_command
from daybook.orchestration.doctor.findings import Finding, failed
from daybook.orchestration.notifications.channel import Channel
from daybook.orchestration.notifications.channels.slack import Slack
from daybook.orchestration.notifications.detect.failed_runs import MONITORS
from daybook.orchestration.notifications.errors import NotConfigured
from daybook.orchestration.notifications.registry import channel_types
from daybook.orchestration.notifications.routing import read_owners
from daybook.orchestration.pagination import PAGE
from daybook.stage.base import Stage, new_prefix
from daybook.stage.cleanup import RecordedStage
from daybook.stage.csv_format import Chunk
from daybook.stage.parts import write_parts
from daybook.warehouses.base import Warehouse

#: The method of Slack that tells a bot who it is.
AUTH_TEST = "https://slack.com/api/auth.test"
#: Slack's answers to an empty body, from a webhook that works.
_REFUSALS = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")
_ROW = Target("daybook.doctor", (Column("note", Type("text")),))


def check_stage(stage: Stage) -> Iterator[Finding]:
    """Write, read and delete a small object on the stage."""
    key, data = f"daybook-doctor/{uuid.uuid4().hex}", b"written by daybook doctor"
    stage.put(key, data)
    try:
        if stage.get(key) != data:
            yield Finding("error", "stage", f"{stage.uri(key)} has other bytes than were written", "use another stage")
    finally:
        stage.delete(key)
    yield Finding("ok", "stage", f"{stage}: an object was written, read and deleted")


def check_copy(warehouse: Warehouse, stage: Stage) -> Iterator[Finding]:
    """Load one row from the stage into a temporary table of the warehouse, as a load does."""
    written, name = RecordedStage(stage), "daybook_doctor"
    try:
        prefix, format = new_prefix(_ROW.name, "doctor"), warehouse.csv_format()
        row = [Chunk(b'"x"\n', 1)]
        manifest = write_parts(written, prefix, row, table=_ROW.name, columns=_ROW.column_names, format=format)
        with warehouse.session() as session:
            warehouse.create_staging(session, _ROW, name)
            rows = warehouse.copy(session, warehouse.quote(name), _ROW, written, manifest)
    finally:
        written.discard("was written by daybook doctor")
    if rows == 1:
        yield Finding("ok", "COPY", f"{warehouse.title} loaded a row from the stage into a temporary table")
    else:
        yield Finding(
            "error", "COPY", f"{warehouse.title} loaded {rows} rows instead of one", "see the warehouse's log"
        )


def check_notifications(client: SyncPrefectClient) -> Iterator[Finding]:
    """Yield whether anyone is notified: the channels of the default owner, and whether Slack answers."""
    opened, problems = list[Channel](), list[Finding]()
    route = read_owners().default
    for name, kind in channel_types().items():
        try:
            opened += kind.open(client, route.get(name))
        except (DaybookError, NotConfigured) as error:
            problems.append(failed("notifications", error))
    yield from problems
    if opened:
        yield Finding("ok", "notifications", f"sent by {', '.join(sorted({one.name for one in opened}))}")
    elif not problems and _watches(client):
        text = "the monitor is deployed, and no channel is set up: failures only go to the log of its runs"
        yield Finding("error", "notifications", text, f"set SLACK_WEBHOOK_URL and run: {blocks_command()}")
    elif not problems:
        yield Finding("ok", "notifications", "not set up, and no monitor is deployed")
    for one in opened:
        if isinstance(one, Slack):
            yield from check_slack(one)


def _watches(client: SyncPrefectClient) -> bool:
    """Return True if the target's monitor or Daybook's automations are on the server."""
    monitors = DeploymentFilter(tags=DeploymentFilterTags(all_=[MONITORS]))
    found = client.read_deployments(deployment_filter=monitors, limit=PAGE)
    if any(current_target().owns(one.tags) for one in found):
        return True
    tagged = AutomationFilter(tags=AutomationFilterTags(all_=[TAG]))
    return current_target().is_prod and any(
        one.name.startswith(PREFIX) for one in client.read_automations(automations=tagged, limit=PAGE)
    )


def check_slack(slack: Slack) -> Iterator[Finding]:
    """Ask Slack whether it takes messages of the webhook and of the bot. No message is posted.

    A webhook refuses an empty body as `no_text` or `invalid_payload`, if it would take a message.
    """
    if slack.webhook:
        yield _asked("webhook", "SLACK_WEBHOOK_URL", slack.webhook, lambda answer: answer.text.strip() in _REFUSALS)
    if slack.bot:
        yield _asked("bot", "SLACK_BOT_TOKEN", AUTH_TEST, lambda answer: bool(answer.json().get("ok")), slack.bot)


def _asked(
    what: str, variable: str, url: str, works: Callable[[httpx.Response], bool], token: str | None = None
) -> Finding:
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.post(url, json={}, headers=headers, timeout=4)
        if works(answer):
            return Finding("ok", "Slack", f"the {what} answers (no message was posted)")
    except httpx.HTTPError as error:  # the text may repeat the URL, which is a secret
        reached = "check the network, the proxy and the firewall between"
        return Finding("error", "Slack", f"not reachable: {type(error).__name__}", reached)
    except ValueError:  # not JSON
        pass
    text = f"the {what} answers {answer.status_code} {answer.text.strip()[:60]}"
    return Finding("error", "Slack", text, f"set {variable} and run: {blocks_command()}")
