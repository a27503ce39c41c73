"""channel_summary and user_touch find the same in two ways, also where sessions begin at the same moment."""

import random
from datetime import datetime, timedelta

from tests.tables.conftest import Summarise

MOMENTS = [datetime(2024, 11, 1) + timedelta(hours=hours) for hours in range(4)]
CHANNELS = ["Google", "Naver", "Youtube", None]


def test_both_ways_to_a_users_channels_agree(summarise: Summarise) -> None:
    chance = random.Random("sessions with ties")
    # 4 moments for the 1 to 9 sessions of each of 300 users: most of them have ties, and some have one session
    sessions = [
        (user, f"{chance.getrandbits(128):032x}", chance.choice(CHANNELS), chance.choice([*MOMENTS, None]))
        for user in range(300)
        for _ in range(chance.randint(1, 9))
    ]
    inputs = {
        "user_session_channel": [session[:3] for session in sessions],
        "session_timestamp": [(session[1], session[3]) for session in sessions],
    }
    known = sorted((ts, sessionid, user, channel) for user, sessionid, channel, ts in sessions if ts)
    expected = {
        user: (of_user[0], of_user[-1])
        for user in {user for _, _, user, _ in known}
        if (of_user := [channel for _, _, one, channel in known if one == user])
    }

    by_number = summarise("channel_summary", **inputs)
    by_value = summarise("user_touch", **inputs)

    assert len(by_number) == len(by_value) == len(expected)
    for rows in (by_number, by_value):
        assert {row["userid"]: (row["first_channel"], row["last_channel"]) for row in rows} == expected
