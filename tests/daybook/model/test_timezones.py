"""The local clock at its changes. Every case is a real change of a real zone, from the IANA database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daybook.errors import IntervalError
from daybook.model.timezones import find_zone, instant_of, local_boundary, local_start, start_of_day


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
    ],
)
def test_an_unknown_zone_is_refused_with_a_suggestion(name: str, close: str) -> None:
    with pytest.raises(IntervalError, match=rf"Unknown time zone '{name}'.*did you mean '{close}'"):
        find_zone(name)


@pytest.mark.parametrize("name", ["America", "../etc/passwd", "/etc/passwd", "", "Mars/Olympus_Mons"])
def test_an_unknown_zone_without_a_similar_name_is_refused(name: str) -> None:
    with pytest.raises(IntervalError, match=r"expected a name of the IANA database such as UTC or Europe/Berlin"):
        find_zone(name)


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", date(2021, 2, 5), utc(2021, 2, 5)),
        ("America/New_York", date(2021, 3, 14), utc(2021, 3, 14, 5)),
        ("America/New_York", date(2021, 3, 15), utc(2021, 3, 15, 4)),
        ("Asia/Kathmandu", date(2021, 2, 5), utc(2021, 2, 4, 18, 15)),
        # the clock jumped over midnight: 00:00 -> 01:00
        ("America/Sao_Paulo", date(2018, 11, 4), utc(2018, 11, 4, 3)),
        ("Asia/Beirut", date(2022, 3, 27), utc(2022, 3, 26, 22)),
        ("Africa/Cairo", date(2024, 4, 26), utc(2024, 4, 25, 22)),
        # midnight is inside of the jump: 23:30 -> 00:30 (the day starts at 00:30)
        ("America/Toronto", date(1919, 3, 31), utc(1919, 3, 31, 4, 30)),
        # midnight happened twice: 01:00 -> 00:00, and 00:01 -> 23:01 the day before
        ("America/Havana", date(2021, 11, 7), utc(2021, 11, 7, 4)),
        ("America/St_Johns", date(2010, 11, 7), utc(2010, 11, 7, 2, 30)),
        # the zone skipped the date
        ("Pacific/Apia", date(2011, 12, 30), utc(2011, 12, 30, 10)),
        ("Pacific/Apia", date(2011, 12, 31), utc(2011, 12, 30, 10)),
    ],
)
def test_start_of_day(zone: str, day: date, start: datetime) -> None:
    found = start_of_day(day, ZoneInfo(zone))
    assert found == start
    before = (found - timedelta.resolution).astimezone(ZoneInfo(zone))
    assert before.date() < day <= found.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("when", "instant"),
    [
        (date(2021, 7, 1), utc(2021, 7, 1, 4)),
        (datetime(2021, 7, 1), utc(2021, 7, 1, 4)),
        (datetime(2021, 7, 1, 13, 30), utc(2021, 7, 1, 17, 30)),
        (utc(2021, 7, 1, 13, 30), utc(2021, 7, 1, 13, 30)),
        (datetime(2021, 7, 1, 13, 30, tzinfo=ZoneInfo("Asia/Tokyo")), utc(2021, 7, 1, 4, 30)),
    ],
    ids=["date", "naive midnight", "naive", "in UTC", "in another zone"],
)
def test_instant_of(when: date | datetime, instant: datetime) -> None:
    found = instant_of(when, ZoneInfo("America/New_York"))
    assert found == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "when", "message"),
    [
        ("America/New_York", datetime(2021, 3, 14, 2, 30), r"never happened .* Type 2021-03-14T03:30:00\."),
        ("Australia/Lord_Howe", datetime(2021, 10, 3, 2), r"never happened .* Type 2021-10-03T02:30:00\."),
        (
            "America/New_York",
            datetime(2021, 11, 7, 1),
            r"twice .* 2021-11-07T01:00:00-04:00 .* 2021-11-07T01:00:00-05:00",
        ),
        ("America/New_York", datetime(2021, 11, 7, 1, fold=1), r"happened twice"),
        ("Pacific/Apia", date(2011, 12, 30), r"2011-12-30 never happened in Pacific/Apia: .* Type 2011-12-31\."),
        ("Pacific/Apia", datetime(2011, 12, 30), r"2011-12-30 never happened"),
        ("Pacific/Apia", datetime(2011, 12, 30, 12), r"never happened .* Type 2011-12-31T12:00:00\."),
        ("UTC", date.max, r"9999-12-31 is out of range"),
        ("UTC", datetime.min, r"0001-01-01T00:00:00 is out of range"),
    ],
)
def test_a_skipped_or_repeated_time_is_refused(zone: str, when: date | datetime, message: str) -> None:
    with pytest.raises(IntervalError, match=message):
        instant_of(when, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("instant", "zone", "shown"),
    [
        (utc(2021, 2, 5), "UTC", datetime(2021, 2, 5)),
        (utc(2021, 2, 5, 5), "America/New_York", datetime(2021, 2, 5)),
        (datetime(2021, 2, 5, tzinfo=ZoneInfo("Asia/Tokyo")), "Asia/Kathmandu", datetime(2021, 2, 4, 20, 45)),
        (utc(2018, 11, 4, 3), "America/Sao_Paulo", datetime(2018, 11, 4, 1)),
        (utc(2021, 11, 7, 5), "America/New_York", datetime(2021, 11, 7, 1)),
        (utc(2021, 11, 7, 6), "America/New_York", datetime(2021, 11, 7, 1)),
    ],
)
def test_local_boundary(instant: datetime, zone: str, shown: datetime) -> None:
    found = local_boundary(instant, zone)
    assert (found, found.tzinfo, found.fold) == (shown, None, 0)


@pytest.mark.parametrize(
    ("instant", "zone", "start"),
    [
        (utc(2021, 2, 5, 5), "America/New_York", datetime(2021, 2, 5)),
        (utc(2021, 2, 5, 6), "America/New_York", datetime(2021, 2, 5, 1)),
        # the clock jumped over midnight, which is the start of the day for dates
        (utc(2018, 11, 4, 3), "America/Sao_Paulo", datetime(2018, 11, 4)),
        (utc(2018, 11, 4, 4), "America/Sao_Paulo", datetime(2018, 11, 4, 2)),
        (utc(1919, 3, 31, 4, 30), "America/Toronto", datetime(1919, 3, 31)),
        (utc(2011, 12, 30, 10), "Pacific/Apia", datetime(2011, 12, 31)),
        # the clock jumped from 02:00 to 03:00, which no date starts at
        (utc(2021, 3, 14, 7), "America/New_York", datetime(2021, 3, 14, 3)),
        (utc(2021, 11, 7, 6), "America/New_York", datetime(2021, 11, 7, 1)),
    ],
)
def test_local_start(instant: datetime, zone: str, start: datetime) -> None:
    found = local_start(instant, zone)
    assert (found, found.tzinfo, found.fold) == (start, None, 0)


def test_local_boundary_refuses_a_naive_datetime_and_an_unknown_zone() -> None:
    with pytest.raises(IntervalError, match="has no time zone"):
        local_boundary(datetime(2021, 2, 5), "UTC")
    with pytest.raises(IntervalError, match="did you mean 'Asia/Kolkata'"):
        local_boundary(utc(2021, 2, 5), "Asia/Kolkatta")
