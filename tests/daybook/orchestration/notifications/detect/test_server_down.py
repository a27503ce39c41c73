"""A Prefect server that does not respond is reported from outside: once, and once when it responds again."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from daybook.orchestration.notifications.detect.server_down import out_of_reach
from tests.support.servers.gate import gate
from tests.support.servers.ports import free_port
from tests.support.servers.slack import Slack

NOW = datetime(2021, 2, 8, 8, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)

pytestmark = pytest.mark.usefixtures("small_project")


@pytest.fixture
def environ(slack: Slack, tmp_path: Path) -> dict[str, str]:
    return {"SLACK_WEBHOOK_URL": slack.webhook(), "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Prefect server that is not running."""
    address = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: address, PREFECT_CLIENT_MAX_RETRIES: 0}):
        monkeypatch.setattr("httpcore._sync.connection.RETRIES_BACKOFF_FACTOR", 0)  # it would wait for nobody
        yield address


def test_an_outage_is_reported_once(environ: dict[str, str], nobody: str, slack: Slack) -> None:
    for passes in range(3):
        reason = out_of_reach(environ, NOW + passes * QUARTER, attempts=1)
        assert reason and f"no Prefect server answers at PREFECT_API_URL={nobody}" in reason
    (message,) = slack.messages
    assert message.text == "🟥 The Prefect server does not respond"
    assert "Since*: 2021-02-08 08:00 UTC" in message.words and nobody in message.words
    assert not slack.refused


def test_what_slack_does_not_take_is_sent_the_next_time(environ: dict[str, str], nobody: str, slack: Slack) -> None:
    with slack.down():
        assert out_of_reach(environ, NOW, attempts=1)
    assert out_of_reach(environ, NOW + QUARTER, attempts=1)
    assert out_of_reach(environ, NOW + 2 * QUARTER, attempts=1)
    (message,) = slack.messages
    assert "Since*: 2021-02-08 08:00 UTC" in message.words and "Seen*: 2021-02-08 08:15 UTC" in message.words


@contextlib.contextmanager
def cut_off() -> Iterator[None]:
    """Within the block, no request of Prefect's client gets through: its proxy does not exist."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
        yield


def test_it_responds_again(environ: dict[str, str], slack: Slack, prefect_server: str) -> None:
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_CLIENT_MAX_RETRIES: 0}):
        assert out_of_reach(environ, NOW, attempts=1) is None
        with cut_off():
            assert out_of_reach(environ, NOW, attempts=1)
        with slack.down():
            assert out_of_reach(environ, NOW + 8 * QUARTER, attempts=1) is None
        for passes in (9, 10):
            assert out_of_reach(environ, NOW + passes * QUARTER, attempts=1) is None
    lost, back = slack.messages
    assert lost.text == "🟥 The Prefect server does not respond"
    assert back.text == "🟩 The Prefect server responds again after 2 h 15 min"
    assert "prefect deployment run catch-up/daily" in back.words
    assert not list((Path(environ["XDG_STATE_HOME"]) / "daybook").iterdir())


def test_a_restart_is_not_an_outage(environ: dict[str, str], slack: Slack, prefect_server: str) -> None:
    server = urlsplit(prefect_server)
    assert server.hostname and server.port
    with gate(server.hostname, server.port) as before:
        before.hold(bytes=1, hang_up=True)
        address = prefect_server.replace(str(server.port), str(before.port))
        with temporary_settings({PREFECT_API_URL: address, PREFECT_CLIENT_MAX_RETRIES: 0}):
            assert out_of_reach(environ, NOW, attempts=2, pause=0) is None
        assert before.reached.is_set(), "the first answer was cut off"
    assert not slack.messages


def test_an_outage_that_was_not_reported_ends_in_silence(
    environ: dict[str, str], slack: Slack, prefect_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    deaf = environ | {"SLACK_WEBHOOK_URL": ""}
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_CLIENT_MAX_RETRIES: 0}):
        with cut_off(), caplog.at_level(logging.WARNING, "daybook"):
            assert out_of_reach(deaf, NOW, attempts=1)
        assert "set DAYBOOK_APPRISE_URLS or SLACK_WEBHOOK_URL where this runs" in caplog.text
        assert out_of_reach(environ, NOW + QUARTER, attempts=1) is None
    assert not slack.messages


def test_without_an_address_there_is_nothing_to_watch(environ: dict[str, str], slack: Slack) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        reason = out_of_reach(environ, NOW, attempts=1)
    assert reason and reason.startswith("PREFECT_API_URL is not set")
    assert not slack.messages


@pytest.mark.parametrize("content", ["{", "[]", '{"since": 1, "reported": true}'])
def test_a_damaged_state_file_is_ignored(environ: dict[str, str], nobody: str, slack: Slack, content: str) -> None:
    assert out_of_reach(environ, NOW, attempts=1)
    (memory,) = (Path(environ["XDG_STATE_HOME"]) / "daybook").iterdir()
    memory.write_text(content, encoding="utf-8")
    assert out_of_reach(environ, NOW + QUARTER, attempts=1)
    assert "Since*: 2021-02-08 08:15 UTC" in slack.messages[1].words


def test_a_state_file_that_cannot_be_written(
    environ: dict[str, str], nobody: str, slack: Slack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file, where a folder should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "daybook"):
        for passes in range(2):
            assert out_of_reach(environ, NOW + passes * QUARTER, attempts=1)
    assert len(slack.messages) == 2, "rather twice than never"
    assert "cannot be written, so each call sends the same message again" in caplog.text
