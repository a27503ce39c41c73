"""The sessions that the demo invents, on two years of them."""

from collections import Counter, defaultdict
from itertools import pairwise

from daybook.orchestration.local_stack.demo.session_data import CHANNELS, FIRST_DAY, sessions

TWO_YEARS = 750


def test_two_years_are_some_thousand_sessions_in_order_and_the_same_every_time() -> None:
    made = list(sessions(FIRST_DAY, TWO_YEARS))
    assert 3000 < len(made) < 9000
    assert len({session.sessionid for session in made}) == len(made)
    assert all(one.ts <= other.ts for one, other in pairwise(made))
    assert made[0].ts.date() == FIRST_DAY
    assert made == list(sessions(FIRST_DAY, TWO_YEARS))
    assert made[: len(list(sessions(FIRST_DAY, 10)))] == list(sessions(FIRST_DAY, 10))


def test_users_come_back_by_several_channels_and_some_get_their_money_back() -> None:
    made = list(sessions(FIRST_DAY, TWO_YEARS))
    by_user = defaultdict(set)
    for session in made:
        by_user[session.userid].add(session.channel)
    assert {session.channel for session in made} == set(CHANNELS)
    assert sum(len(channels) > 1 for channels in by_user.values()) > len(by_user) / 2
    bought = [each for session in made for each in session.bought]
    assert 0.05 < sum(refunded for refunded, _ in bought) / len(bought) < 0.2
    assert min(amount for _, amount in bought) > 0
    assert set(Counter(len(session.bought) for session in made)) == {0, 1, 2, 3}
    months = {(session.ts.year, session.ts.month) for session in made}
    assert len(months) == 25
