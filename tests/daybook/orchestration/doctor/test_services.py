"""The stage, COPY, Slack and who is notified."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from daybook.errors import StageError
from daybook.orchestration.doctor import services
from daybook.orchestration.doctor.findings import Check, Finding, run_checks
from daybook.orchestration.notifications.channels.slack import Slack
from daybook.orchestration.notifications.errors import NotConfigured
from daybook.stage.folder import FolderStage
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of

HOOK = "https://hooks.slack.com/services/T/B/hunter2"


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [
        (400, "no_text", "ok"),
        (400, "invalid_payload", "ok"),
        (404, "no_service", "error"),
        (403, "invalid_token", "error"),
    ],
)
def test_a_webhook_is_reached_without_a_message(
    status: int, body: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def post(url: str, json: object, **_: object) -> httpx.Response:
        sent.append((url, json))
        return httpx.Response(status, text=body)

    monkeypatch.setattr(services.httpx, "post", post)
    (found,) = services.check_slack(Slack(webhook=HOOK))
    assert (found.level, sent) == (level, [(HOOK, {})])
    assert "hunter2" not in found.text + found.remedy
    assert level == "ok" or found.remedy == "set SLACK_WEBHOOK_URL and run: daybook blocks"


@pytest.mark.parametrize(
    ("answer", "level"), [('{"ok": true}', "ok"), ('{"ok": false, "error": "invalid_auth"}', "error"), ("<p>", "error")]
)
def test_a_bot_is_asked_who_it_is(answer: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.httpx, "post", lambda *_, **__: httpx.Response(200, text=answer))
    (found,) = services.check_slack(Slack(bot="xoxb-hunter2"))
    assert found.level == level and "hunter2" not in str(found)


def test_slack_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.httpx, "post", lambda url, **_: (_ for _ in ()).throw(httpx.ConnectError(url)))
    (found,) = services.check_slack(Slack(webhook=HOOK))
    assert (found.level, found.text) == ("error", "not reachable: ConnectError")
    assert found.remedy == "check the network, the proxy and the firewall between"


class Channels:
    """A Prefect server with a monitor, or without one, and what opens as a channel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, opens: Callable[[], list[Any]], tags: list[str]) -> None:
        kind = SimpleNamespace(open=lambda *_: opens())
        monkeypatch.setattr(services, "channel_types", lambda: {"mail": kind})
        monkeypatch.setattr(services, "read_owners", lambda: SimpleNamespace(default={}))
        self.deployments = [SimpleNamespace(tags=tags)] if tags else []

    def read_deployments(self, **_: Any) -> list[Any]:
        return self.deployments

    def read_automations(self, **_: Any) -> list[Any]:
        return []


def nothing() -> list[Any]:
    return []


def incomplete() -> list[Any]:
    raise NotConfigured("no e-mail is sent: set DAYBOOK_SMTP_URL and run `daybook blocks`")


@pytest.mark.parametrize(
    ("opens", "tags", "level", "remedy"),
    [
        (lambda: [SimpleNamespace(name="mail")], ["daybook", "monitor"], "ok", ""),
        (nothing, ["daybook", "monitor"], "error", "set SLACK_WEBHOOK_URL and run: daybook blocks"),
        (nothing, ["daybook", "monitor", "daybook-target:dev"], "ok", ""),
        (nothing, [], "ok", ""),
        (incomplete, ["daybook", "monitor"], "error", "set DAYBOOK_SMTP_URL and run `daybook blocks`"),
    ],
    ids=["set up", "no channel", "another target's monitor", "no monitor", "an owner's channel lacks its block"],
)
def test_who_is_notified(
    opens: Callable[[], list[Any]], tags: list[str], level: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = Channels(monkeypatch, opens, tags)
    (found,) = services.check_notifications(client)
    assert (found.level, found.remedy) == (level, remedy)


def failure(stage: FolderStage) -> Finding:
    """Return what the check of a stage finds that fails."""
    (found,) = run_checks([Check("stage", lambda: services.check_stage(stage))])
    assert found.level == "error"
    return found


def test_a_stage_that_can_be_used(tmp_path: Path) -> None:
    (found,) = services.check_stage(FolderStage(tmp_path))
    assert found.level == "ok" and not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_stage_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = failure(FolderStage(tmp_path / "file"))
    assert found.text.startswith(f"Cannot write {tmp_path}/file/") and found.text.endswith("Not a directory")
    assert found.remedy.startswith("The user that runs the flow needs write access to the folder")


def test_a_stage_that_cannot_be_read(tmp_path: Path) -> None:
    class WriteOnly(FolderStage):
        def get(self, key: str) -> bytes:
            raise StageError(
                "Cannot read s3://b/x: the server answered AccessDenied (403). Access denied: s3:GetObject"
            )

    found = failure(WriteOnly(tmp_path))
    assert found.remedy == "Access denied: s3:GetObject"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "what was written is deleted all the same"


@pytest.mark.servers
def test_a_copy_from_the_stage(warehouse_ends: Endpoints, tmp_path: Path) -> None:
    def found_with(stage: Any) -> Finding:
        (found,) = run_checks([Check("COPY", lambda: services.check_copy(warehouse_ends.warehouse, stage), limit=20)])
        return found

    found = found_with(warehouse_ends.stage)
    assert found.level == "ok", found
    assert not warehouse_ends.staged_keys()
    if warehouse_ends.warehouse.title == "Redshift":
        found = found_with(FolderStage(tmp_path))
        assert found.text.endswith("but Redshift can read the stage only from S3")
        assert found.remedy == "set DAYBOOK_STAGE_URL to s3://bucket/prefix and run `daybook blocks`"


@pytest.mark.servers
def test_a_role_that_may_not_read_the_stage(redshift: Redshift, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with ends_of(None, "redshift-s3", request, tmp_path) as ends, redshift.estate(roles=[]):
        (found,) = run_checks([Check("COPY", lambda: services.check_copy(ends.warehouse, ends.stage), limit=20)])
        assert found.level == "error" and IAM_ROLE in found.text + found.remedy, found
