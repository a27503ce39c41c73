"""The automations: the file is applied to a real server, again, changed, and beside other people's."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events import emit_event
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from daybook.errors import DaybookError
from daybook.orchestration.automations.apply import Outcome, apply
from daybook.orchestration.automations.errors import AutomationRefused, NotDeployed
from daybook.orchestration.automations.spec import Wanted, automations_file, read
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.notifications.detect.late_run_automation import LATE, resume_late
from daybook.orchestration.server.errors import ServerUnreachable
from tests.support.declared_blocks import make_blocks

ALL = read()
NAMES = [one.name for one in ALL]
SILENT = "daybook: monitor silent"
Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def with_monitor(prefect_server: str) -> Iterator[SyncPrefectClient]:
    """A client of a server with the deployment monitor/on-event."""
    with get_client(sync_client=True) as client:
        client.create_deployment(client.create_flow_from_name("monitor"), "on-event")
        yield client


@pytest.fixture
def client(with_monitor: SyncPrefectClient) -> Iterator[SyncPrefectClient]:
    """The same, without any automation before and after."""
    yield with_monitor
    for automation in with_monitor.read_automations():
        with_monitor.delete_automation(automation.id)


@pytest.fixture
def no_slack(with_monitor: SyncPrefectClient) -> None:
    """No block SlackWebhook/slack: the tests of another file may have left one."""
    with contextlib.suppress(ObjectNotFound):
        found = with_monitor.read_block_document_by_name("slack", "slack-incoming-webhook")
        with_monitor.delete_block_document(found.id)


@pytest.fixture(scope="module")
def slack(with_monitor: SyncPrefectClient) -> None:
    """The block SlackWebhook/slack, as `python -m blocks` makes it."""
    make_blocks({"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/secret"})


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of automations. Returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "automations.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def stored(client: SyncPrefectClient) -> dict[str, Automation]:
    return {automation.name: automation for automation in client.read_automations()}


def done(outcomes: Iterator[Outcome]) -> dict[str, str]:
    return {outcome.name: outcome.action for outcome in outcomes if outcome.action != "note"}


def changed(name: str, **fields: Any) -> list[Wanted]:
    return [dataclasses.replace(one, **fields) if one.name == name else one for one in ALL]


def actions(automation: AutomationCore) -> list[str]:
    return [action.type for action in automation.actions]


# The tests in this order: the first ones have no block for Slack, the later ones do.


@pytest.mark.usefixtures("no_slack")
def test_without_slack_what_only_the_server_could_send_is_left_out_and_said(client: SyncPrefectClient) -> None:
    notes = {outcome.name: outcome.says for outcome in apply(ALL) if outcome.action == "note"}

    assert set(notes) == {LATE, SILENT}
    assert "so the server itself sends no message: set SLACK_WEBHOOK_URL, run `daybook blocks`" in notes[LATE]
    found = stored(client)
    assert set(found) == set(NAMES) - {SILENT}
    assert actions(found[LATE]) == ["run-deployment", "pause-automation"]


@pytest.mark.usefixtures("slack")
class TestWithSlack:
    def test_each_is_made_once_and_then_left_alone(self, client: SyncPrefectClient) -> None:
        assert done(apply(ALL)) == dict.fromkeys(NAMES, "created")
        first = stored(client)
        assert done(apply(ALL)) == dict.fromkeys(NAMES, "unchanged")
        assert stored(client) == first

        assert set(first) == set(NAMES)
        assert all(automation.tags == ["daybook"] and automation.enabled for automation in first.values())
        late = first[LATE]
        assert actions(late) == ["send-notification", "run-deployment", "pause-automation"]
        assert late.actions[2].automation_id == late.id  # type: ignore[union-attr]

    def test_a_changed_one_is_changed_in_place_and_one_that_left_the_file_goes(self, client: SyncPrefectClient) -> None:
        list(apply(ALL))
        before = stored(client)
        failed, crashed = NAMES[:2]
        fewer = [one for one in changed(failed, description="Another word.") if one.name != crashed]

        outcomes = done(apply(fewer))

        assert outcomes == dict.fromkeys(NAMES, "unchanged") | {failed: "updated", crashed: "removed"}
        after = stored(client)
        assert set(after) == set(NAMES) - {crashed}
        assert (after[failed].id, after[failed].description) == (before[failed].id, "Another word.")

    def test_what_was_added_in_the_ui_goes(self, client: SyncPrefectClient) -> None:
        list(apply(ALL))
        mine = stored(client)[NAMES[0]]
        more = mine.model_copy(update={"actions_on_trigger": mine.actions, "tags": ["daybook", "more"]})
        client.update_automation(mine.id, AutomationCore(**more.model_dump(exclude={"id", "owner_resource"})))

        assert done(apply(ALL))[NAMES[0]] == "updated"
        now = stored(client)[NAMES[0]]
        assert (now.actions_on_trigger, now.tags) == ([], ["daybook"])

    def test_nobody_elses_are_touched(self, client: SyncPrefectClient) -> None:
        words = stored_like(ALL[2])
        theirs = [
            client.create_automation(words.model_copy(update={"tags": tags, "name": name}))
            for name, tags in [(ALL[2].name, []), ("our own", ["daybook"]), ("summaries/daily__automation_1", [])]
        ]

        list(apply(ALL))
        list(apply([]))

        assert [automation.id for automation in client.read_automations(sort="CREATED_DESC")] == theirs[::-1]  # type: ignore[arg-type]

    def test_of_two_with_one_name_the_older_is_kept(self, client: SyncPrefectClient) -> None:
        list(apply(ALL))
        first = stored(client)[NAMES[2]]
        client.create_automation(stored_like(ALL[2]).model_copy(update={"tags": ["daybook"]}))

        assert [outcome for outcome in apply(ALL) if outcome.action != "unchanged"] == [
            Outcome(NAMES[2], "removed", "a duplicate")
        ]
        assert [found.id for found in client.read_automations() if found.name == NAMES[2]] == [first.id]

    @pytest.mark.parametrize(
        ("says", "on"),
        [pytest.param(None, False, id="it stays off"), pytest.param(True, True, id="but for enabled: true")],
    )
    def test_one_that_a_person_switched_off(self, says: bool | None, on: bool, client: SyncPrefectClient) -> None:
        list(apply(ALL))
        client.pause_automation(stored(client)[LATE].id)

        list(apply(changed(LATE, enabled=says, description="Another word.")))

        assert stored(client)[LATE].enabled is on
        assert not resume_late(client)
        assert stored(client)[LATE].enabled is on

    def test_one_that_switched_itself_off_waits_for_the_monitor(self, client: SyncPrefectClient, write: Write) -> None:
        (late,) = read(write(TELLS_ONCE))
        list(apply([late]))

        def pauses_itself() -> bool:  # the server looks at an automation's events from a moment after it was made
            emit_event("an.outage", resource={"prefect.resource.id": "a.pool"})
            return wait_until(lambda: not stored(client)[LATE].enabled, 10)

        until(pauses_itself)

        assert done(apply([late])) == {LATE: "unchanged"}
        assert done(apply([dataclasses.replace(late, description="Another word.")])) == {LATE: "updated"}
        assert not stored(client)[LATE].enabled
        until(lambda: resume_late(client))  # the server keeps its events a moment later
        assert stored(client)[LATE].enabled
        assert not resume_late(client)

    def test_a_deployment_that_is_not_there_is_named_and_nothing_is_changed(self, client: SyncPrefectClient) -> None:
        (step,) = ALL[0].steps
        wrong = dataclasses.replace(step, on=("deployment", "monitor/elsewhere"))

        with pytest.raises(
            NotDeployed, match=r"^daybook: failed: the deployment monitor/elsewhere does not exist: run `make"
        ):
            list(apply(changed(NAMES[0], steps=(wrong,))))
        assert not stored(client)

    def test_what_the_server_refuses_is_said_in_its_words(self, client: SyncPrefectClient) -> None:
        notification = next(one for one in ALL if one.name == SILENT).steps[0]
        broken = dataclasses.replace(
            notification, action=notification.action.model_copy(update={"body": "{{ flow_run.name"})
        )

        with pytest.raises(AutomationRefused, match=f"^{SILENT}: the server rejects it: .*body.*not a valid template"):
            list(apply(changed(SILENT, steps=(broken,))))


TELLS_ONCE = f"""\
automations:
  - name: "{LATE}"
    description: It fires at once, where the real one waits for a worker.
    trigger: {{type: event, posture: Reactive, expect: [an.outage]}}
    actions: [{{type: pause-automation, automation: itself}}]
"""


def until(happened: Callable[[], bool]) -> None:
    assert wait_until(happened, seconds=60)


def stored_like(one: Wanted) -> AutomationCore:
    """An automation with the same words, made by somebody else."""
    return AutomationCore(name=one.name, trigger=one.trigger, actions=[step.action for step in one.steps])


def test_without_a_server_what_to_do_is_said() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}),
        pytest.raises(ServerUnreachable, match=r"no Prefect server answers at PREFECT_API_URL=http://127\.0\.0\.1:1/"),
    ):
        list(apply(ALL))


@pytest.mark.parametrize("one", ALL, ids=NAMES)
def test_one_that_waits_for_an_end_lists_the_ends(one: Wanted) -> None:
    """`prefect.flow-run.*` would count a heartbeat as the end of a run that is stuck, and it would never fire."""
    assert not [event for event in one.trigger.expect | one.trigger.after if "*" in event]


GOOD = """\
automations:
  - name: "daybook: good"
    description: It is.
    trigger: {type: event, posture: Reactive, expect: [some.event]}
    actions:
      - {type: run-deployment, deployment: monitor/on-event}
      - {type: pause-automation, automation: itself}
"""
NAMED = "'daybook: good': "


def test_a_good_file_is_read(write: Write) -> None:
    (one,) = read(write(GOOD))
    assert (one.name, one.description, one.enabled) == ("daybook: good", "It is.", None)
    assert one.trigger == EventTrigger(expect={"some.event"})
    assert [step.on for step in one.steps] == [("deployment", "monitor/on-event"), ("automation", "itself")]


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        pytest.param("daybook: good", "good", "'good': name: begin it with 'daybook: '", id="a name like anybody's"),
        pytest.param("    description: It is.\n", "", NAMED + "description: missing; add it", id="no description"),
        pytest.param("trigger:", "triger:", NAMED + "triger: no such field; did you mean 'trigger'?", id="misspelt"),
        pytest.param(
            "posture: Reactive", "for_eech: [x]", NAMED + "trigger.for_eech: no such field; did you mean 'for_each'?",
            id="misspelt in the trigger, which Prefect would overlook",
        ),
        pytest.param("Reactive", "Eager", NAMED + "trigger.posture: Input should be", id="no such posture"),
        pytest.param("[some.event]", "7", NAMED + "trigger.expect: Input should be a valid", id="of another kind"),
        pytest.param(
            "run-deployment", "run-deploymnt",
            NAMED + "actions.1.type: unknown action 'run-deploymnt'; did you mean 'run-deployment'?",
            id="no such action",
        ),
        pytest.param(
            "deployment: monitor/on-event", "deployment_id: 2f7c0f7e-67c1-4a1f-8f3c-2f8dfb0f3a54",
            NAMED + "actions.1.deployment_id: the ID differs on each server: write deployment: FLOW/DEPLOYMENT",
            id="an id",
        ),
        pytest.param(
            ", deployment: monitor/on-event", "", NAMED + "actions.1.deployment: write deployment: FLOW/DEPLOYMENT "
            "(missing)", id="no deployment",
        ),
        pytest.param(
            "monitor/on-event", "monitor", NAMED + "actions.1.deployment: write deployment: FLOW/DEPLOYMENT "
            "(found 'monitor')", id="a deployment without its flow",
        ),
        pytest.param(
            "itself", "another", NAMED + "actions.2.automation: write automation: itself (found 'another')",
            id="another automation",
        ),
        pytest.param(
            GOOD, GOOD + GOOD.removeprefix("automations:\n"),
            NAMED + "name: two automations have this name: rename one", id="two alike"
        ),
        pytest.param("automations:", "automation:", "automation: unknown field; did you mean", id="no list of them"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named(wrong: str, right: str, told: str, write: Write) -> None:
    assert wrong in GOOD
    path = write(GOOD.replace(wrong, right))
    with pytest.raises(DaybookError) as refused:
        read(path)
    assert f"{path}: {told}" in str(refused.value)


def test_the_form_of_the_file_is_that_of_a_deploy() -> None:
    """It is beside what deploys it, and holds no id of a server's."""
    assert automations_file().name == "automations.yaml"
    assert "_id:" not in automations_file().read_text(encoding="utf-8")
