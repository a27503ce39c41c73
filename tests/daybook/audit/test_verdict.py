"""What three checksums say together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.verdict import classify, is_loaded, ledger_checksum
from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum, checksum_of

A, B, C, NOTHING = Sum(3, 1 << 61), Sum(3, 5), Sum(2, 9), Sum()
DAY = Interval(datetime(2021, 2, 5, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC))
ENTRY = Entry("raw.things", DAY.start, DAY.end, 3, "upsert", None, DAY.end, "load", DAY.end, checksum="0a1b2c3d:5")


@pytest.mark.parametrize(
    ("source", "ledger", "warehouse", "loaded", "verdict"),
    [
        (A, A, A, True, "equal"),
        (A, B, A, True, "equal"),
        (A, None, A, True, "equal"),
        (NOTHING, NOTHING, NOTHING, True, "equal"),
        (A, B, B, True, "source changed since"),
        (A, NOTHING, NOTHING, True, "source changed since"),
        (A, A, B, True, "warehouse altered"),
        (A, A, NOTHING, True, "warehouse altered"),
        (A, B, C, True, "source changed and warehouse altered"),
        (A, None, B, True, "differs"),
        (A, None, NOTHING, False, "never loaded"),
        (NOTHING, None, NOTHING, False, "never loaded"),
        (A, None, A, False, "warehouse altered"),
        (NOTHING, None, A, False, "warehouse altered"),
        (A, None, A, None, "equal"),
        (A, None, B, None, "never loaded"),
    ],
)
def test_every_case(source: Sum, ledger: Sum | None, warehouse: Sum, loaded: bool | None, verdict: str) -> None:
    assert classify(source, ledger, warehouse, loaded=loaded)[0] == verdict


def test_an_upsert_does_not_blame_both_sides_without_a_word_about_rows_that_moved_on() -> None:
    verdict, why = classify(A, B, C, loaded=True, moves=True)
    assert verdict == "source changed and warehouse altered" and "moved on" in why


def test_a_strategy_that_removes_no_rows_may_have_left_those_that_were_deleted() -> None:
    assert classify(A, A, B, loaded=True)[1] is None
    verdict, why = classify(A, A, B, loaded=True, kept=True)
    assert verdict == "warehouse altered" and "deleted at the source before that load" in why


def test_sums_add_up() -> None:
    assert sum([A, B, C], NOTHING) == Sum(8, (1 << 61) + 14)


def test_what_the_ledger_says() -> None:
    assert ledger_checksum(ENTRY, DAY, "0a1b2c3d") == (B, None)
    assert checksum_of("0a1b2c3d", B) == ENTRY.checksum


@pytest.mark.parametrize(
    ("entry", "fingerprint", "why"),
    [
        (ENTRY, "ffffffff", "other columns"),
        (replace(ENTRY, checksum=None), "0a1b2c3d", "older Daybook"),
        (replace(ENTRY, start=None), "0a1b2c3d", "together with others"),
        (replace(ENTRY, end=DAY.end + timedelta(days=1)), "0a1b2c3d", "together with others"),
    ],
    ids=["other columns", "no checksum", "the whole table", "a longer stretch"],
)
def test_what_the_ledger_cannot_say(entry: Entry, fingerprint: str, why: str) -> None:
    found, reason = ledger_checksum(entry, DAY, fingerprint)
    assert found is None and why in reason


def test_how_much_of_an_interval_was_loaded() -> None:
    one, two, three, four = (Interval(DAY.start + timedelta(days=n), DAY.end + timedelta(days=n)) for n in range(4))
    known = [Interval(one.start, two.end), Interval(three.start, three.start + timedelta(hours=5))]
    assert [is_loaded(day, known) for day in (one, two, three, four)] == [True, True, None, False]
    assert is_loaded(Interval(two.start, three.end), known) is None
    assert is_loaded(one, []) is False
