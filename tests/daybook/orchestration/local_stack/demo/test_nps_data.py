"""The answers that the demo invents."""

from datetime import date, datetime
from itertools import groupby

from daybook.orchestration.local_stack.demo.nps_data import answers


def test_sixty_days_are_150000_answers_in_order_and_the_same_every_time() -> None:
    rows = list(answers(date(2026, 9, 22), 60, first_id=1))
    assert len(rows) == 150_000
    assert [row["id"] for row in rows] == list(range(1, 150_001))
    moments = [row["created_at"] for row in rows]
    assert moments == sorted(moments, key=str)
    assert isinstance(moments[0], datetime) and moments[0].date() == date(2026, 9, 22)
    assert isinstance(moments[-1], datetime) and moments[-1].date() == date(2026, 11, 20)
    assert {row["score"] for row in rows} == set(range(11))
    assert rows == list(answers(date(2026, 9, 22), 60, first_id=1))


def test_the_daily_nps_varies_within_what_is_believable() -> None:
    def nps(scores: list[int]) -> float:
        return 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores)

    rows = answers(date(2026, 9, 22), 60, first_id=1)
    days = [
        nps([int(str(row["score"])) for row in day])
        for _, day in groupby(rows, key=lambda row: str(row["created_at"])[:10])
    ]
    assert len(days) == 60
    assert 10 < min(days) < max(days) < 50
    assert max(days) - min(days) > 5


def test_a_later_day_goes_on_where_the_ids_ended() -> None:
    rows = list(answers(date(2026, 11, 21), 1, first_id=150_001))
    assert len(rows) == 2500
    assert rows[0]["id"] == 150_001
