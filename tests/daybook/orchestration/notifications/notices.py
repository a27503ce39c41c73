"""Notices for tests of messages."""

from hypothesis import strategies as st

from daybook.monitoring.incidents.notice import Notice, Tone

FAILED = Notice(
    Tone.FAILED,
    "raw_data.nps failed: 2021-02-05",
    facts=(("Task", "load"), ("Attempts", "2"), ("Since", "06:00 UTC")),
    error='ShrinkGuard: raw_data.nps 2021-02-05: "score" < 3 & 4 rows are left',
    impact=("analytics.nps_summary still shows Tuesday's build.", "Blocked until then: analytics.nps_rolling."),
    command="daybook load raw_data.nps --execution-date 2021-02-05",
    link=("View run", "http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&x=1"),
    owner="data-team",
    incident="5a1c6d0e",
    notes=("The staged parts are kept.",),
)
RECOVERED = Notice(
    Tone.RECOVERED, "raw_data.nps recovered after 2 h", owner="data-team", incident="5a1c6d0e", facts=(("Rows", "12"),)
)

# Among other words, there are some with a meaning in Slack, HTML or the headers of an e-mail.
_words = st.sampled_from(
    ["```", "`", "<!channel>", "@here", "&amp;", "<a|b>", "*", "_", "\r\nBcc: x@y.z", "\ud83d", "🟥", "\0"]
)
_short = st.lists(st.text(max_size=9) | _words, max_size=8).map("".join)
_texts = _short | (st.text(min_size=1, max_size=2) | _words).map(lambda part: part * 3100)
_pairs = st.tuples(_texts, _texts)

notices = st.builds(
    Notice,
    tone=st.sampled_from(Tone),
    title=_texts,
    facts=st.lists(_pairs, max_size=4).map(tuple) | st.tuples(_short, _short).map(lambda pair: (pair,) * 200),
    error=st.none() | _texts,
    impact=st.lists(_texts, max_size=3).map(tuple) | _short.map(lambda text: (text,) * 100),
    command=st.none() | _texts,
    link=st.none() | st.tuples(_texts, _texts | _texts.map("http://x/".__add__)),
    owner=_texts,
    notes=st.lists(_texts, max_size=12).map(tuple),
)
"""Any notice: empty, huge, and full of markup that must not take effect."""
