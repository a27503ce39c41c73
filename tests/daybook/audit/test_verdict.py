"""The verdict from three checksums."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.verdict import classify, is_loaded, ledger_checksum
from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum, checksum_of

A, B, C, NOTHING = Sum(3, 1 << 61), Sum(3, 5), Sum(2, 9), Sum()
DAY = Interval(datetime(2021, 2, 5, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC))
CHECKSUM = "sha256-0a1b2c3d:5"
ENTRY = Entry("raw.things", DAY.start, DAY.end, 3, "upsert", None, DAY.end, "load", DAY.end, checksum=CHECKSUM)


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


def test_the_verdict_on_an_upsert_mentions_rows_that_moved() -> None:
    verdict, why = classify(A, B, C, loaded=True, moves=True)
    assert verdict == "source changed and warehouse altered" and "moved to later intervals" in why


def test_the_verdict_mentions_deleted_rows_if_the_strategy_removes_none() -> None:
    assert classify(A, A, B, loaded=True)[1] is None
    verdict, why = classify(A, A, B, loaded=True, kept=True)
    assert verdict == "warehouse altered" and "deleted rows before that load" in why


def test_sums_add_up() -> None:
    assert sum([A, B, C], NOTHING) == Sum(8, (1 << 61) + 14)


def test_the_checksum_of_the_ledger() -> None:
    assert ledger_checksum(ENTRY, DAY, "sha256-0a1b2c3d") == (B, None)
    assert checksum_of("sha256-0a1b2c3d", B) == ENTRY.checksum


@pytest.mark.parametrize(
    ("entry", "fingerprint", "why"),
    [
        (ENTRY, "sha256-ffffffff", "other columns"),
        (replace(ENTRY, checksum="ffffffff:5"), "sha256-0a1b2c3d", "other columns"),
        (replace(ENTRY, checksum="0a1b2c3d:5"), "sha256-0a1b2c3d", "older version of Daybook .* by MD5"),
        (replace(ENTRY, checksum=None), "sha256-0a1b2c3d", "older version of Daybook"),
        (replace(ENTRY, start=None), "sha256-0a1b2c3d", "together with other intervals"),
        (replace(ENTRY, end=DAY.end + timedelta(days=1)), "sha256-0a1b2c3d", "together with other intervals"),
    ],
    ids=["other columns", "other columns by MD5", "MD5", "no checksum", "the whole table", "a longer range"],
)
def test_why_the_ledger_has_no_checksum(entry: Entry, fingerprint: str, why: str) -> None:
    found, reason = ledger_checksum(entry, DAY, fingerprint)
    assert found is None and re.search(why, reason)


def test_is_loaded() -> None:
    one, two, three, four = (Interval(DAY.start + timedelta(days=n), DAY.end + timedelta(days=n)) for n in range(4))
    known = [Interval(one.start, two.end), Interval(three.start, three.start + timedelta(hours=5))]
    assert [is_loaded(day, known) for day in (one, two, three, four)] == [True, True, None, False]
    assert is_loaded(Interval(two.start, three.end), known) is None
    assert is_loaded(one, []) is False
