"""Messages wait on the Prefect server until their channels take them, each channel by itself."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications import channels
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.notifications.registry import channel_types
from tests.support.block_fixtures import RunBlocks
from tests.support.servers.web import Answer, Web

TOY = Path(__file__).parents[3] / "support" / "toy_channel"
FAILED = Notice(Tone.FAILED, "raw_data.nps failed", owner="zoo", incident="1")
RECOVERED = replace(FAILED, tone=Tone.RECOVERED, title="raw_data.nps recovered")


@pytest.fixture
def owners(no_blocks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `owners.yaml` of a project of its own, and no channel of another test."""
    (tmp_path / "tables").mkdir()
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    return tmp_path / "tables" / "owners.yaml"


@pytest.fixture
def pigeon(owners: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toy's file is in the folder of channels, and an owner has its address: the file to write into."""
    monkeypatch.setattr(channels, "__path__", [*channels.__path__, str(TOY)])
    loft = owners.parent / "loft.txt"
    owners.write_text(f"default: {{}}\nowners: {{zoo: {{pigeon: {loft}}}}}\n", encoding="utf-8")
    yield loft
    sys.modules.pop(f"{channels.__name__}.pigeon", None)


def test_a_channel_in_a_file_of_its_own_is_routed_retried_and_replied_to(
    pigeon: Path, shelves: SyncPrefectClient, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(shelves)
    outbox.put(FAILED)
    outbox.put(RECOVERED)
    assert outbox.flush() == 2, "the recovery waits for the failure"
    assert "raw_data.nps failed: not sent through pigeon yet: the pigeon is asleep" in caplog.text

    pigeon.touch()
    assert outbox.flush() == outbox.flush() == 0
    assert pigeon.read_text(encoding="utf-8") == "🟥 raw_data.nps failed\nre 1: raw_data.nps recovered\n"


def test_a_refused_message_is_not_tried_again_and_does_not_delay_others(
    pigeon: Path, shelves: SyncPrefectClient, caplog: pytest.LogCaptureFixture
) -> None:
    pigeon.touch()
    outbox = Outbox(shelves)
    outbox.put(replace(FAILED, title="refused"))
    outbox.put(FAILED)
    assert outbox.flush() == 0
    assert pigeon.read_text(encoding="utf-8") == "🟥 raw_data.nps failed\n"
    assert "not sent through pigeon: the pigeon does not carry this. Daybook does not retry this message" in caplog.text


def test_without_its_file_there_is_no_such_channel(
    owners: Path, shelves: SyncPrefectClient, caplog: pytest.LogCaptureFixture
) -> None:
    owners.write_text("default: {}\nowners: {zoo: {pigeon: x}}\n", encoding="utf-8")
    assert "pigeon" not in channel_types()
    Outbox(shelves).put(FAILED)
    assert Outbox(shelves).flush() == 0
    assert "owners.zoo.pigeon: unknown field" in caplog.text


def test_of_two_addresses_only_the_one_that_failed_is_tried_again(
    owners: Path, shelves: SyncPrefectClient, run_blocks: RunBlocks, web: Web
) -> None:
    owners.write_text("default: {}\nowners: {zoo: {apprise: [pager, team]}}\n", encoding="utf-8")
    run_blocks(
        DAYBOOK_APPRISE_URLS=" ".join(f"{name}=json://127.0.0.1:{web.port}/{name}" for name in ("pager", "team"))
    )
    web.offers(b"ok", path="/pager")
    web.offers(Answer(b"", 503), Answer(b"ok"), path="/team")
    outbox = Outbox(shelves)
    outbox.put(FAILED)

    assert outbox.flush() == 1
    assert outbox.flush() == outbox.flush() == 0
    assert [asked.path.rstrip("/") for asked in web.asked] == ["/pager", "/team", "/team"]
