"""A webhook and a bot's token are those that Slack gives."""

import pytest

from tests.support.declared_blocks import refused

REFUSALS = {
    "a webhook without http": {"SLACK_WEBHOOK_URL": "hooks.slack.com/hunter2"},
    "a webhook without a host": {"SLACK_WEBHOOK_URL": "https:///hunter2"},
    "a token of a user": {"SLACK_BOT_TOKEN": "xoxp-hunter2"},
}


@pytest.mark.parametrize("environ", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_slack_did_not_give_is_refused(environ: dict[str, str]) -> None:
    assert refused(environ) == [*environ]
