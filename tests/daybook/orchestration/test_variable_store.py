"""What is kept between two passes, on a real Prefect server: whatever is in it, it is kept, and told."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.notifications.routing import Route
from daybook.orchestration.notifications.send import Delivery
from daybook.orchestration.variable_store import VariableStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLE = "raw_data.nps"

pytestmark = pytest.mark.usefixtures("small_project")


def failed(subject: str, at: datetime = NOW, error: str = "it failed", **more: Any) -> Incident:
    return Incident(subject, Kind.FAILED, "default", f"{subject} failed", at, at, error=error, **more)


def delivered(client: SyncPrefectClient) -> list[Notice]:
    """What the outbox gives to a Slack that takes everything."""
    taken = []

    def take(notice: Notice, _r: Route, media: Sequence[str], _t: Mapping[str, str]) -> Delivery:
        taken.append(notice)
        return Delivery(done=dict.fromkeys(media, ""))

    assert Outbox(client).flush(take) == 0
    return taken


def test_a_weekend_of_failures_every_hour_is_kept_with_all_that_it_awaits(shelves: SyncPrefectClient) -> None:
    hours = [NOW + timedelta(hours=hour) for hour in range(29)]
    incident = failed(TABLE)
    for hour in hours:
        awaited = RecoveryCondition("raw_data.session_timestamp", hour, hour - timedelta(hours=1), hour)
        incident = incident.merged_with(failed(TABLE, hour, "x" * 3000, seen=(f"{hour}",), awaits=(awaited,)))
    IncidentStore(shelves, None).keep(incident)
    (kept,) = IncidentStore(shelves, None).open
    assert (kept.times, kept.awaits, kept.seen) == (30, incident.awaits, incident.seen)


@pytest.mark.parametrize("error", ["🟥" * 3000, "\0NUL", "half \ud83d of a pair", "`\\\"'\n" * 2000], ids=ascii)
def test_an_error_of_any_characters_is_kept_and_told(shelves: SyncPrefectClient, error: str) -> None:
    desk, incident = IncidentStore(shelves, None), failed(TABLE, error=error)
    desk.keep(incident, Notice(Tone.FAILED, incident.title, error=error, incident=incident.id))
    assert [one.subject for one in IncidentStore(shelves, None).open] == [TABLE]
    (told,) = delivered(shelves)
    assert told.error and told.error[:4].strip("\0") in error


def random_text(length: int) -> str:
    """Which packing makes no shorter."""
    return "".join(map(chr, random.Random(length).choices(range(0x4E00, 0x9FFF), k=length)))


LONG = Notice(Tone.FAILED, "raw_data.nps failed", (("Table", TABLE),), incident="1", link=("View run", "http://x/1"))


@pytest.mark.parametrize(
    "notice",
    [
        pytest.param(replace(LONG, title=f"raw_data.nps failed {random_text(9000)}"), id="title"),
        pytest.param(replace(LONG, command=random_text(9000)), id="command"),
        pytest.param(replace(LONG, owner=random_text(9000)), id="owner"),
        pytest.param(replace(LONG, facts=(("Table", random_text(9000)),)), id="fact"),
        pytest.param(replace(LONG, impact=tuple(map(random_text, range(900)))), id="very many sentences"),
        pytest.param(replace(LONG, error=random_text(9000), command=random_text(8000)), id="error and command"),
    ],
)
def test_a_message_of_any_length_is_told(shelves: SyncPrefectClient, notice: Notice) -> None:
    Outbox(shelves).put(notice)
    (told,) = delivered(shelves)
    assert told.title.startswith("raw_data.nps failed") and (told.link, told.incident) == (LONG.link, LONG.incident)


def test_a_variable_that_somebody_has_spoilt_silences_nobody_else(shelves: SyncPrefectClient) -> None:
    IncidentStore(shelves, None).keep(failed(TABLE), Notice(Tone.FAILED, "raw_data.nps failed"))
    for kind, document in (
        ("incident", {"subject": "x"}),
        ("outbox", "oh"),
        ("closed", {}),
        ("incident", {"packed": 1}),
    ):
        VariableStore(shelves, kind).set("0_spoilt", document)
    assert [incident.subject for incident in IncidentStore(shelves, None).open] == [TABLE]
    assert [notice.title for notice in delivered(shelves)] == ["raw_data.nps failed"]


def test_subjects_that_look_alike_are_two_incidents(shelves: SyncPrefectClient) -> None:
    names = ["raw_data.nps", "raw.data_nps", "raw_data.NPS", "größe", "grösse"]
    for name in names:
        IncidentStore(shelves, None).keep(failed(name))
    desk = IncidentStore(shelves, None)
    assert sorted(one.subject for one in desk.open) == sorted(names)
    assert all(found and found.subject == name for name in names for found in [desk.about(name)])
