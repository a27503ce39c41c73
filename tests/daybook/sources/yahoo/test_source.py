"""Stock prices by the real yfinance, from a small Yahoo server: all good and bad answers for a symbol."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daybook.backfill.dry_run import forecast
from daybook.definitions.symbols import only
from daybook.definitions.table import Table
from daybook.errors import SourceError, SourceLost
from daybook.ledger.interval_status import read_statuses
from daybook.load.extraction.extract import extract
from daybook.load.load import LoadReport
from daybook.load.load import load as load_rows
from daybook.load.planning.plan import plan
from daybook.sources.yahoo import retry_budget
from tests.support.servers.yahoo import DOWN, HTML, Fault, Share, Yahoo, share
from tests.support.source_and_warehouse import ON_ONE_WAREHOUSE, Endpoints

pytestmark = pytest.mark.any_warehouse

FIRST, END = date(2021, 1, 4), date(2021, 3, 1)
MONDAY, SATURDAY = "2021-02-01", "2021-02-06"  # a week with five sessions
WEDNESDAY = date(2021, 2, 3)
DECLARED = {"key": ["symbol", "date"], "cursor": "date", "interval": "day", "load": "upsert"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_budget, "SECONDS", 0.01)


def prices(ends: Endpoints, *symbols: str, on_missing: str = "fail", **fields: Any) -> Table:
    """Return a table of these symbols, like stock_info."""
    source = {"kind": "yfinance", "symbols": symbols, "on_missing": on_missing}
    given = {"timezone": "America/New_York", "calendar": "XNYS", "start": FIRST, **DECLARED, **fields}
    return ends.table("stock_info", source=source, **given)


def load(ends: Endpoints, table: Table, first: str | None = None, until: str | None = None) -> LoadReport:
    return ends.load(table, first, until)


def load_days(ends: Endpoints, table: Table, wanted: list[date]) -> LoadReport:
    extracted = extract(plan(table, intervals=wanted), ends, ends.warehouse, ends.stage)
    return load_rows(extracted, ends.warehouse, ends.stage)


def days(ends: Endpoints, table: Table, symbol: str) -> list[date]:
    return [day for name, day in ends.rows(table, "symbol, date", "1, 2") if name == symbol]


def closes(ends: Endpoints, table: Table, symbol: str) -> dict[date, float]:
    return {day: close for name, day, close in ends.rows(table, "symbol, date, close") if name == symbol}


# ── One symbol among others ───────────────────────────────────────────────────────────────────────────────────────────


def whole(**fields: Any) -> Share:
    return share(FIRST, END, **fields)


def without(*gone: date) -> Share:
    made = whole()
    made.bars = {day: bar for day, bar in made.bars.items() if day not in gone}
    return made


def blank(day: date) -> Share:
    made = whole()
    made.bars[day] = type(made.bars[day])(0, 0, 0, 0, 0, blank=True)
    return made


WEEK = [date(2021, 2, day) for day in range(1, 6)]


@dataclass(frozen=True)
class Case:
    """Yahoo's prices of a symbol, and the expected result: loaded days, a part of the shortfall, and requests.

    yfinance itself repeats a request that is refused (400 and above) once, with another cookie.
    """

    share: Callable[[], Share | None]
    days: list[date]
    shortfall: str | None
    requests: int


CASES = {
    "good": Case(whole, WEEK, None, 1),
    "rate limited, then good": Case(lambda: whole(fault=Fault(429, "Too Many Requests\r\n", times=2)), WEEK, None, 3),
    "rate limited": Case(
        lambda: whole(fault=Fault(429, "Too Many Requests\r\n")), [], "Yahoo limits the rate of requests", 8
    ),
    "server error": Case(lambda: whole(fault=Fault(500, "Internal Server Error")), [], "Yahoo is down", 8),
    "server error, then good": Case(lambda: whole(fault=Fault(502, "Bad Gateway", times=2)), WEEK, None, 3),
    "will be right back": Case(lambda: whole(fault=Fault(200, DOWN)), [], "Yahoo is down", 4),
    "html": Case(lambda: whole(fault=Fault(200, HTML)), [], "cut off, or contains no prices", 4),
    "html, then good": Case(lambda: whole(fault=Fault(200, HTML, times=1)), WEEK, None, 2),
    "truncated json": Case(lambda: whole(fault=Fault(cut=300)), [], "cut off, or contains no prices", 4),
    "no body": Case(lambda: whole(fault=Fault(200, "")), [], "cut off, or contains no prices", 4),
    "another json": Case(lambda: whole(fault=Fault(200, '{"chart": []}')), [], "cut off, or contains no prices", 4),
    "connection lost": Case(lambda: whole(fault=Fault(hang_up=True)), [], "Yahoo could not be reached", 4),
    "refused": Case(lambda: whole(fault=Fault(401, '{"finance": {}}')), [], "Yahoo refused to answer", 2),
    "empty": Case(lambda: without(date(2021, 1, 29), *WEEK), [], "no prices for days on which the exchange had", 1),
    "a day missing": Case(lambda: without(WEDNESDAY), [*WEEK[:2], *WEEK[3:]], "(XNYS: 2021-02-03)", 1),
    "a day of NaN": Case(lambda: blank(WEDNESDAY), [*WEEK[:2], *WEEK[3:]], "(XNYS: 2021-02-03)", 1),
    "not listed yet": Case(lambda: share(date(2021, 2, 22), END), [], None, 3),
    "listed on Wednesday": Case(lambda: share(WEDNESDAY, END), WEEK[2:], None, 1),
    "delisted": Case(lambda: share(date(2020, 3, 2), date(2020, 6, 2)), [], "it was last traded on 2020-06-01", 3),
    "unknown": Case(lambda: None, [], "the symbol is unknown to Yahoo, or was delisted", 2),
    "live price beyond the end": Case(lambda: whole(live=datetime.now(UTC)), WEEK, None, 1),
    "traded in Tokyo": Case(
        lambda: share(FIRST, END, calendar="XTKS", zone="Asia/Tokyo", opens=datetime(1, 1, 1, 9).time()), WEEK, None, 1
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@ON_ONE_WAREHOUSE
def test_a_symbol_among_others(case: Case, warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares |= {"AAPL": whole(), "MSFT": whole(seed=7)}
    if found := case.share():
        yahoo.shares["ODD"] = found
    table = prices(warehouse_ends, "AAPL", "ODD", "MSFT")

    report = load(warehouse_ends, table, MONDAY, SATURDAY)

    assert days(warehouse_ends, table, "AAPL") == days(warehouse_ends, table, "MSFT") == WEEK
    assert days(warehouse_ends, table, "ODD") == case.days
    assert yahoo.charts.count("ODD") == case.requests
    assert yahoo.charts.count("AAPL") == yahoo.charts.count("MSFT") == 1
    missing = warehouse_ends.destination.run(
        "SELECT DISTINCT missing FROM daybook.ledger WHERE table_name = %s", (table.name,)
    )
    if case.shortfall is None:
        assert report.shortfalls == () and missing == [(None,)]
    else:
        (shortfall,) = report.shortfalls
        assert shortfall.startswith("ODD: ") and case.shortfall in shortfall
        assert missing == [(shortfall,)]


@ON_ONE_WAREHOUSE
def test_on_missing_warn_completes_the_run(
    warehouse_ends: Endpoints, yahoo: Yahoo, caplog: pytest.LogCaptureFixture
) -> None:
    yahoo.shares["AAPL"] = whole()
    table = prices(warehouse_ends, "AAPL", "NOPE", on_missing="warn")

    report = load(warehouse_ends, table, MONDAY, SATURDAY)

    assert (report.rows, report.shortfalls) == (5, ())
    assert any("NOPE: the symbol is unknown to Yahoo" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (Fault(503, "busy"), SourceLost, "Yahoo is down"),
        (None, SourceError, "the symbol is unknown to Yahoo"),
    ],
    ids=["down", "unknown"],
)
@ON_ONE_WAREHOUSE
def test_nothing_is_loaded_if_all_symbols_fail(
    fault: Fault | None, error: type[Exception], reason: str, warehouse_ends: Endpoints, yahoo: Yahoo
) -> None:
    if fault:
        yahoo.shares["AAPL"] = whole(fault=fault)

    with pytest.raises(error, match=rf"nothing was loaded, because all symbols failed:\n- AAPL: {reason}"):
        load(warehouse_ends, prices(warehouse_ends, "AAPL"), MONDAY, SATURDAY)


# ── Limits of requests ────────────────────────────────────────────────────────────────────────────────────────────────


@ON_ONE_WAREHOUSE
def test_no_more_requests_are_sent_when_yahoo_refuses_everything(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    symbols = [f"S{number}" for number in range(50)]
    yahoo.shares = {symbol: whole(fault=Fault(429, "Too Many Requests\r\n")) for symbol in symbols}
    yahoo.crumb_status = 429

    with pytest.raises(SourceLost) as caught:
        load(warehouse_ends, prices(warehouse_ends, *symbols), MONDAY, SATURDAY)

    lines = str(caught.value).splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == [f"- {symbol}" for symbol in symbols]
    assert "S2: Yahoo limits the rate of requests" in lines[2]
    assert "S3: it was not requested" in lines[3]
    assert "3 symbols in a row have failed: Yahoo limits the rate" in lines[3]
    assert set(yahoo.charts) == {"S0", "S1", "S2"}
    assert len(yahoo.charts) == 3 * retry_budget.TRIES * 2


@ON_ONE_WAREHOUSE
def test_a_run_has_one_budget_for_all_of_its_symbols(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    """Every second symbol fails, so that never three fail in a row."""
    symbols = [f"S{number:02}" for number in range(40)]
    yahoo.shares = {symbol: whole() for symbol in symbols}
    for symbol in symbols[1::2]:
        yahoo.shares[symbol].fault = Fault(200, HTML)

    report = load(warehouse_ends, prices(warehouse_ends, *symbols), MONDAY, SATURDAY)

    assert len(yahoo.charts) == 2 * len(symbols) + 10
    assert report.shortfalls[-1] == (
        "S39: it was not requested: run the load again later (the symbols before it have used all of the run's 90 "
        "requests)"
    )


@ON_ONE_WAREHOUSE
def test_no_request_for_days_without_a_session(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    table = prices(warehouse_ends, "AAPL")
    report = load(warehouse_ends, table, SATURDAY, "2021-02-08")
    assert (report.rows, len(report.entries)) == (0, 2)
    assert yahoo.requests == []


@ON_ONE_WAREHOUSE
def test_each_run_fetches_cookies_once(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares |= {"AAPL": whole(), "MSFT": whole()}
    table = prices(warehouse_ends, "AAPL", "MSFT")
    load(warehouse_ends, table, MONDAY, SATURDAY)
    first = list(yahoo.requests)
    assert [path.split("?")[0].rsplit("/", 1)[-1] for path in first] == ["", "getcrumb", "AAPL", "MSFT"]
    load(warehouse_ends, table, MONDAY, SATURDAY)
    assert yahoo.requests == first * 2


# ── Loaded values ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_digit_is_loaded(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares["BRK-B"] = whole()
    table = prices(warehouse_ends, "BRK-B")
    load(warehouse_ends, table, MONDAY, SATURDAY)

    sent = [yahoo.shares["BRK-B"].bars[day] for day in WEEK]
    wanted = [("BRK-B", day, b.open, b.high, b.low, b.close, b.volume) for day, b in zip(WEEK, sent, strict=True)]
    assert warehouse_ends.rows(table, "symbol, date, open, high, low, close, volume", "2") == wanted
    types = warehouse_ends.destination.types(table.name)
    assert (types["volume"], types["close"], types["date"]) == ("bigint", "double precision", "date")
    (created,) = {row[0] for row in warehouse_ends.rows(table, "created_date")}
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=5)


def test_reruns_are_idempotent_but_for_created_date(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares["AAPL"] = whole()
    table, columns = prices(warehouse_ends, "AAPL"), "symbol, date, open, high, low, close, volume"
    load(warehouse_ends, table, MONDAY, SATURDAY)
    before, created = warehouse_ends.rows(table, columns, "2"), warehouse_ends.rows(table, "max(created_date)")
    load(warehouse_ends, table, MONDAY, SATURDAY)
    assert warehouse_ends.rows(table, columns, "2") == before
    assert warehouse_ends.rows(table, "min(created_date)") > created


def test_columns_may_be_omitted_and_reordered(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares["AAPL"] = whole()
    table = prices(warehouse_ends, "AAPL", columns={"date": "date", "close": "double", "symbol": "varchar(10)"})
    load(warehouse_ends, table, MONDAY, "2021-02-02")
    (row,) = warehouse_ends.rows(table)
    assert row == (WEEK[0], yahoo.shares["AAPL"].bars[WEEK[0]].close, "AAPL")


def test_columns_may_be_masked(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares["AAPL"] = whole()
    table = prices(warehouse_ends, "AAPL", mask={"volume": "null", "created_date": "drop"})
    load(warehouse_ends, table, MONDAY, "2021-02-02")
    bar = yahoo.shares["AAPL"].bars[WEEK[0]]
    assert warehouse_ends.rows(table) == [("AAPL", WEEK[0], bar.open, bar.high, bar.low, bar.close, None)]


# ── Splits and dividends ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("happened", "word"), [({"splits": {WEEK[2]: 4}}, "split"), ({"dividends": {WEEK[2]: 0.82}}, "dividend")]
)
def test_an_event_that_changes_history_reloads_it(
    happened: dict[str, Any],
    word: str,
    warehouse_ends: Endpoints,
    yahoo: Yahoo,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """January is loaded, then the day of the event, which changes January's prices. MSFT's prices stay."""
    caplog.set_level("INFO")
    yahoo.shares |= {"AAPL": whole(), "MSFT": whole(seed=3)}
    table = prices(warehouse_ends, "AAPL", "MSFT")
    load(warehouse_ends, table, FIRST.isoformat(), "2021-02-01")
    old, other = closes(warehouse_ends, table, "AAPL"), warehouse_ends.rows(table, "*", "1, 2")[-1]
    yahoo.shares["AAPL"] = whole(**happened)
    yahoo.requests.clear()

    report = load(warehouse_ends, table, WEDNESDAY.isoformat(), "2021-02-04")

    assert yahoo.charts == ["AAPL", "AAPL", "MSFT"]
    now = closes(warehouse_ends, table, "AAPL")
    assert set(now) == {*old, *WEEK[:3]}, "with the earlier days that had never been loaded"
    expected = {day: yahoo.shares["AAPL"].adjusted(day)[1] for day in now}
    assert now == expected and all(now[day] < old[day] for day in old)
    assert warehouse_ends.rows(table, "*", "1, 2")[-2] == other
    assert f"a {word} on 2021-02-03: reloading its prices since 2021-01-04" in caplog.text
    assert report.shortfalls == ()
    covered = [start.astimezone(ZoneInfo("America/New_York")).date() for start, *_ in warehouse_ends.ledger(table)]
    assert covered.count(FIRST) == 2 and covered.count(WEDNESDAY) == 1 and WEEK[0] not in covered


def test_a_range_since_the_start_needs_no_second_request(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    yahoo.shares["AAPL"] = whole(splits={WEEK[2]: 4})
    load(warehouse_ends, prices(warehouse_ends, "AAPL"), FIRST.isoformat(), SATURDAY)
    assert yahoo.charts == ["AAPL"]


def test_scattered_days_are_one_request(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    """Yahoo sends all from the first day to the last. Those in between are not loaded, and not missing."""
    yahoo.shares |= {"AAPL": without(date(2021, 1, 13), WEEK[4]), "MSFT": whole(dividends={date(2021, 1, 20): 0.5})}
    table = prices(warehouse_ends, "AAPL", "MSFT")
    wanted = [date(2021, 1, 12), date(2021, 1, 16), WEDNESDAY, WEEK[4]]  # a Tuesday, a Saturday, one without a price
    report = load_days(warehouse_ends, table, wanted)
    assert yahoo.charts == ["AAPL", "MSFT"]
    assert days(warehouse_ends, table, "AAPL") == [date(2021, 1, 12), WEDNESDAY]
    assert days(warehouse_ends, table, "MSFT") == [date(2021, 1, 12), WEDNESDAY, WEEK[4]]
    (shortfall,) = report.shortfalls
    assert shortfall.startswith("AAPL: ") and shortfall.endswith("(XNYS: 2021-02-05)"), "not the day between them"
    assert [entry.rows for entry in report.entries] == [2, 0, 2, 1]


def test_an_event_on_one_of_the_scattered_days_reloads_the_days_between_them(
    warehouse_ends: Endpoints, yahoo: Yahoo
) -> None:
    """Also if the first of them is the table's start."""
    yahoo.shares["AAPL"] = whole()
    table = prices(warehouse_ends, "AAPL")
    load(warehouse_ends, table, FIRST.isoformat(), "2021-01-30")
    yahoo.shares["AAPL"] = whole(splits={WEDNESDAY: 4})
    yahoo.requests.clear()
    report = load_days(warehouse_ends, table, [FIRST, WEDNESDAY])
    assert yahoo.charts == ["AAPL", "AAPL"] and report.shortfalls == ()
    now = closes(warehouse_ends, table, "AAPL")
    assert set(now) == {day for day in yahoo.shares["AAPL"].bars if day <= WEDNESDAY}
    assert now == {day: yahoo.shares["AAPL"].adjusted(day)[1] for day in now}
    loaded = [start.astimezone(ZoneInfo("America/New_York")).date() for start, *_ in warehouse_ends.ledger(table)]
    assert loaded.count(FIRST) == loaded.count(date(2021, 1, 15)) == 2
    assert loaded.count(WEDNESDAY) == 1 and WEEK[0] not in loaded


def test_history_that_cannot_be_reloaded_is_a_shortfall(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    """Only the first answer is good."""
    made = whole(splits={WEEK[2]: 4})
    yahoo.shares["AAPL"] = made
    table = prices(warehouse_ends, "AAPL")
    yahoo.fail_after["AAPL"] = 1

    report = load(warehouse_ends, table, WEDNESDAY.isoformat(), "2021-02-04")

    assert days(warehouse_ends, table, "AAPL") == [WEDNESDAY]
    (shortfall,) = report.shortfalls
    assert shortfall.startswith(
        "AAPL: a split on 2021-02-03 changed its older prices, but they could not be reloaded: Yahoo is down"
    )


# ── The session that is still open, and full refreshes ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("calendar", "zone"), [("XNYS", "America/New_York"), ("XTKS", "Asia/Tokyo")], ids=["New York", "Tokyo"]
)
def test_a_full_refresh_ends_with_the_last_day_that_is_over(
    calendar: str, zone: str, warehouse_ends: Endpoints, yahoo: Yahoo
) -> None:
    """The table's days are those of Auckland, which is a day ahead of New York."""
    now = datetime.now(ZoneInfo(zone))
    start = now.date() - timedelta(days=20)
    made = share(start, now.date() + timedelta(days=1), calendar=calendar, zone=zone, live=now)
    made.bars[now.date()] = next(iter(made.bars.values()))
    yahoo.shares["7203.T"] = made
    table = prices(
        warehouse_ends, "7203.T", calendar=calendar, start=start, timezone="Pacific/Auckland", on_missing="warn"
    )

    load(warehouse_ends, table)

    assert days(warehouse_ends, table, "7203.T") == sorted(day for day in made.bars if day < now.date())


def test_a_full_refresh_is_all_or_nothing(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    start = datetime.now(UTC).date() - timedelta(days=30)
    yahoo.shares |= {name: share(start, datetime.now(UTC).date()) for name in ("AAPL", "MSFT")}
    table = prices(warehouse_ends, "AAPL", "MSFT", start=start, on_missing="warn")
    load(warehouse_ends, table)
    before = warehouse_ends.state(table)
    yahoo.shares["MSFT"].fault = Fault(429, "Too Many Requests\r\n")

    with pytest.raises(
        SourceLost, match=r"because a full refresh would delete their rows:\n- MSFT: Yahoo limits the rate"
    ):
        load(warehouse_ends, table)

    assert warehouse_ends.state(table) == before


@ON_ONE_WAREHOUSE
def test_a_full_refresh_does_not_silently_delete_symbols(warehouse_ends: Endpoints) -> None:
    table = prices(warehouse_ends, "AAPL", "MSFT")
    with pytest.raises(SourceError, match="symbols omits AAPL, so their rows would be lost"):
        only(table, ["MSFT", "NVDA"], keep=True)
    assert only(table, ["MSFT"], keep=False).source.symbols == ("MSFT",)
    assert only(table, None, keep=True) is table


# ── The table file, the dry run, the library ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"start": None}, "start: is missing: add the first day to load"),
        ({"key": ["symbol"]}, r"key: must be \[symbol, date\]"),
        ({"load": "replace_interval"}, "load: replace_interval cannot reload older prices after a split"),
        ({"cursor": "created_date"}, "cursor: must be date"),
    ],
)
@ON_ONE_WAREHOUSE
def test_an_invalid_table_file_is_refused(
    fields: dict[str, Any], error: str, warehouse_ends: Endpoints, yahoo: Yahoo
) -> None:
    with pytest.raises(SourceError, match=error):
        load(warehouse_ends, prices(warehouse_ends, "AAPL", **fields), MONDAY, SATURDAY)
    assert yahoo.requests == []


@pytest.mark.parametrize(
    ("symbols", "error"),
    [
        ([], "there are no symbols"),
        (["aapl"], "write 'AAPL' instead of 'aapl'"),
        ([" AAPL"], "write 'AAPL' instead of ' AAPL'"),
        (["AAPL", "MSFT", "AAPL"], "repeated: AAPL"),
        (["AAPL/../MSFT"], "is not a symbol of Yahoo"),
        (["A" * 33], "is not a symbol of Yahoo"),
    ],
)
@ON_ONE_WAREHOUSE
def test_symbols_in_another_spelling_are_refused(symbols: list[str], error: str, warehouse_ends: Endpoints) -> None:
    with pytest.raises(ValueError, match=error):
        prices(warehouse_ends, *symbols)


@ON_ONE_WAREHOUSE
def test_a_day_without_midnight(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    """In Cairo, 2024-04-26 started at 01:00. New York had a session on that date."""
    yahoo.shares["AAPL"] = share(date(2024, 4, 22), date(2024, 5, 4))
    table = prices(warehouse_ends, "AAPL", timezone="Africa/Cairo", start=date(2024, 4, 22), on_missing="warn")
    week = [date(2024, 4, day) for day in (24, 25, 26, 29)]
    for day in week:
        load(warehouse_ends, table, f"{day}")
        assert days(warehouse_ends, table, "AAPL") == [one for one in week if one <= day]
    load(warehouse_ends, table, "2024-04-22", "2024-05-04")
    assert days(warehouse_ends, table, "AAPL") == sorted(yahoo.shares["AAPL"].bars)
    load(warehouse_ends, table)
    assert days(warehouse_ends, table, "AAPL") == sorted(yahoo.shares["AAPL"].bars)


@ON_ONE_WAREHOUSE
def test_a_dry_run_lists_the_days_to_load(warehouse_ends: Endpoints, yahoo: Yahoo) -> None:
    table = prices(warehouse_ends, "AAPL")
    assert table.grid is not None
    intervals = table.grid.between(date(2021, 1, 30), date(2021, 2, 10))
    standings = read_statuses(warehouse_ends.warehouse, table.name, intervals)

    found = forecast(table, standings, "missing", warehouse_ends)

    assert [one.action for one in found] == ["skip"] * 2 + ["load"] * 9, (
        "the weekend between sessions is loaded with them"
    )
    assert {one.at_source for one in found} == {None}
    assert yahoo.requests == []


def test_all_arguments_of_yfinance_are_pinned() -> None:
    from yfinance.scrapers.history import PriceHistory

    from daybook.sources.yahoo.client import PINNED

    arguments = set(inspect.signature(PriceHistory.history).parameters) - {"self", "start", "end", "period"}
    assert set(PINNED) == arguments


@pytest.mark.servers
def test_other_flows_do_not_import_heavy_libraries() -> None:
    look = "import sys, flows.load_table as _; print({'pandas', 'yfinance', 'exchange_calendars'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "set()\n"
