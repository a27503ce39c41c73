"""A notice in Slack: all of its content, readable on a phone, and nothing that Slack refuses or acts on."""

import re
from dataclasses import replace

from hypothesis import given

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications.channels.slack_block_kit import Block, blocks, text, without_blocks
from tests.daybook.orchestration.notifications.notices import FAILED, notices
from tests.support.servers.slack_limits import problems


def words(block: Block) -> str:
    return "\n".join(part["text"] for part in [block.get("text"), *block.get("elements", [])] if part)


def test_it_says_all_in_an_order_that_a_phone_shows() -> None:
    assert text(FAILED) == "🟥 raw_data.nps failed: 2021-02-05"
    assert [block["type"] for block in blocks(FAILED)] == ["header", *["section"] * 5, "context"]
    assert [words(block) for block in blocks(FAILED)] == [
        "🟥 raw_data.nps failed: 2021-02-05",
        "*Task*: load\n*Attempts*: 2\n*Since*: 06:00 UTC",
        '```\nShrinkGuard: raw_data.nps 2021-02-05: "score" &lt; 3 &amp; 4 rows are left\n```',
        "analytics.nps_summary still shows Tuesday's build.\nBlocked until then: analytics.nps_rolling.",
        "```\ndaybook load raw_data.nps --execution-date 2021-02-05\n```",
        "<http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&amp;x=1|View run>",
        "The staged parts are kept.\nDaybook, for data-team",
    ]


def test_a_title_alone_is_a_message() -> None:
    assert [words(block) for block in blocks(Notice(Tone.NOTE, "The week"))] == ["⬜ The week", "Daybook"]


def test_each_tone_has_a_sign_of_its_own() -> None:
    assert len({text(replace(FAILED, tone=tone))[0] for tone in Tone}) == len(Tone)


def test_a_long_error_keeps_its_beginning_and_its_end() -> None:
    error = "first " + "&" * 5000 + " last"
    shown = words(blocks(replace(FAILED, error=error))[2])

    assert shown.startswith("```\nfirst &amp;") and shown.endswith("&amp; last\n```")
    (left,) = re.findall(r"\n… \(([\d,]+) more characters on the run's page\)\n", shown)
    assert int(left.replace(",", "")) + len(shown.replace("&amp;", "&").split("\n… (")[0]) - 4 < 5011
    assert int(left.replace(",", "")) + shown.count("&amp;") == 5000


def test_an_error_neither_ends_its_block_nor_calls_anybody() -> None:
    shown = words(blocks(replace(FAILED, error="a ``` b <!channel> <@U1> @here &lt;"))[2])

    assert shown == "```\na ''' b &lt;!channel&gt; &lt;@U1&gt; @here &amp;lt;\n```"


def test_what_opens_nothing_is_no_link() -> None:
    for address in ("javascript:alert(1)", "http://[x", "http://x/" + "y" * 3000):
        assert words(blocks(replace(FAILED, link=("View run", address)))[5]) == "View run"
    assert words(blocks(replace(FAILED, link=("a|b", "https://x/a b|c>d")))[5]) == "<https://x/a%20b%7Cc%3Ed|a|b>"


@given(notice=notices)
def test_slack_takes_any_notice(notice: Notice) -> None:
    found = blocks(notice)

    assert problems({"text": text(notice), "blocks": found}) == []
    assert problems({"text": without_blocks(notice)}) == []
    assert "\n" not in text(notice)
    for block in found[1:]:
        shown = words(block)
        assert shown.count("```") in (0, 2)
        assert not re.search(r"<[!@#]", shown)
        assert shown.count("<") == shown.count(">") == (1 if re.match(r"<https?://[^<> |]+\|", shown) else 0)
