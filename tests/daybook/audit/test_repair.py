"""The intervals that a repair reloads, and the limit at which it is refused."""

from datetime import date

import pytest

from daybook.audit.interval_audit import Audited
from daybook.audit.repair import to_repair
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import RepairRefused
from daybook.model.interval_grid import Grid
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.sums import Sum

DAYS = Grid("day").between(date(2021, 1, 1), date(2022, 1, 1))
TABLE = Table(
    name="raw_data.nps",
    description="x",
    owner="tests",
    source={"kind": "database", "table": "prod.nps"},  # type: ignore[arg-type]
    load="replace_interval",
    cursor="at",
    interval="day",
)


def found(*verdicts: Verdict) -> list[Audited]:
    recipe = ComparedColumns((), (), {})
    return [Audited(day, verdict, Sum(), None, Sum(), recipe) for day, verdict in zip(DAYS, verdicts, strict=False)]


def test_different_and_never_loaded_intervals_are_repaired() -> None:
    verdicts = list(Verdict)
    expected = [day for day, verdict in zip(DAYS, verdicts, strict=False) if verdict != Verdict.EQUAL]
    assert to_repair(TABLE, found(*verdicts), 1.0) == expected
    assert to_repair(TABLE, found(Verdict.EQUAL), 0.0) == []


@pytest.mark.parametrize(
    ("loaded", "differing", "max_repair", "allowed"),
    [
        (1, 1, 0.1, True),
        (28, 3, 0.1, True),
        (28, 4, 0.1, False),
        (100, 7, 0.07, True),
        (100, 8, 0.07, False),
        (30, 1, 0.0, False),
        (5, 5, 1.0, True),
    ],
    ids=[
        "one always may",
        "a tenth, rounded up",
        "more than a tenth",
        "exactly a share that no float has",
        "one more than that",
        "none at all",
        "all of it",
    ],
)
def test_the_limit(loaded: int, differing: int, max_repair: float, allowed: bool) -> None:
    verdicts = [Verdict.SOURCE_CHANGED] * differing + [Verdict.EQUAL] * (loaded - differing)
    verdicts += [Verdict.NEVER_LOADED] * 200  # they count as not loaded and not different
    if allowed:
        assert len(to_repair(TABLE, found(*verdicts), max_repair)) == differing + 200
        return
    with pytest.raises(RepairRefused, match=f"raw_data.nps 2021-01-01 until [-0-9]+: {differing} of {loaded} days"):
        to_repair(TABLE, found(*verdicts), max_repair)


def test_the_limit_that_the_refusal_names_is_enough() -> None:
    audited = found(*[Verdict.DIFFERS] * 7, *[Verdict.EQUAL] * 2)
    with pytest.raises(RepairRefused, match="a changed column type, time zone or mask") as refused:
        to_repair(TABLE, audited, 0.1)
    assert len(to_repair(TABLE, audited, float(str(refused.value).rsplit("max_repair=", 1)[1]))) == 7
