"""Apprise sends a notice to an HTTP server; what that answers decides whether it is tried again. No URL is in a log."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prefect.client.orchestration import SyncPrefectClient

from daybook.orchestration.blocks.open import secret_values
from daybook.orchestration.notifications.channels.apprise import Apprise
from daybook.orchestration.notifications.errors import NotConfigured
from daybook.orchestration.notifications.send import Delivery, send
from tests.daybook.orchestration.notifications.notices import FAILED, RECOVERED
from tests.support.block_fixtures import RunBlocks
from tests.support.servers.ports import free_port
from tests.support.servers.slack import Slack as SlackServer
from tests.support.servers.tls_proxy import tls_proxy
from tests.support.servers.web import Answer, Web

KEY = "apprise:on-call"
SECRET = "hunter2"


def channel(web: Web, query: str = "") -> Apprise:
    """The channel to a path of the server with a secret in it."""
    web.answers.setdefault(f"/{SECRET}", [Answer(b"ok")])
    return Apprise("on-call", f"json://user:{SECRET}@127.0.0.1:{web.port}/{SECRET}{query}")


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All logs at their noisiest."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "apprise"):
        yield caplog


def test_it_delivers_title_text_and_type(web: Web, everything_logged: pytest.LogCaptureFixture) -> None:
    assert send(FAILED, [channel(web)]) == Delivery(done={KEY: ""})

    (asked,) = web.asked
    sent = json.loads(asked.body)
    assert (sent["title"], sent["type"]) == ("🟥 raw_data.nps failed: 2021-02-05", "failure")
    for part in (
        "Attempts: 2",
        '"score" < 3 & 4 rows',
        "Blocked until then",
        "--execution-date 2021-02-05",
        "View run",
    ):
        assert part in sent["message"]
    assert SECRET not in everything_logged.text


def test_a_recovery_is_a_success(web: Web) -> None:
    send(RECOVERED, [channel(web)], {KEY: ""})

    assert json.loads(web.asked[0].body)["type"] == "success"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
def test_a_refusal_is_final_and_the_message_is_in_the_log(
    web: Web, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    web.offers(Answer(SECRET.encode(), status), path=f"/{SECRET}")

    delivery = send(FAILED, [channel(web)])

    assert (delivery.done, delivery.failed) == ({}, {})
    assert f"JSON answered {status} (" in delivery.refused[KEY]
    assert "correct the URL of on-call in DAYBOOK_APPRISE_URLS, and run `daybook blocks`" in delivery.refused[KEY]
    assert "Daybook does not retry this message" in caplog.text and "ShrinkGuard" in caplog.text
    assert SECRET not in f"{delivery} {caplog.text}"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_the_server_does_not_take_now_is_tried_again(
    web: Web, status: int, everything_logged: pytest.LogCaptureFixture
) -> None:
    web.offers(Answer(SECRET.encode(), status), path=f"/{SECRET}")

    delivery = send(FAILED, [channel(web)])

    assert (delivery.done, delivery.refused) == ({}, {})
    assert f"JSON answered {status} (" in delivery.failed[KEY]
    assert SECRET not in f"{delivery}{everything_logged.text}"


def test_a_server_that_is_down_silent_or_hangs_up_is_tried_again(
    web: Web, slack: SlackServer, caplog: pytest.LogCaptureFixture
) -> None:
    web.offers(Answer(hangs_up=True), path=f"/{SECRET}")
    silent = f"json://127.0.0.1:{slack.port}/{SECRET}?rto=0.2"
    nobody = f"json://127.0.0.1:{free_port()}/{SECRET}"
    with slack.silent():
        for by in (channel(web), Apprise("on-call", silent), Apprise("on-call", nobody)):
            assert send(FAILED, [by]).failed == {KEY: "JSON cannot be reached, or did not answer in time"}
    assert SECRET not in caplog.text


@pytest.mark.parametrize("url", [f"discord://{SECRET}", f"nothing://{SECRET}/x", SECRET])
def test_a_wrong_url_is_not_repeated(url: str, caplog: pytest.LogCaptureFixture) -> None:
    by = Apprise("on-call", url)

    assert "cannot read the URL of on-call: correct it in DAYBOOK_APPRISE_URLS" in send(FAILED, [by]).failed[KEY]
    assert SECRET not in f"{by!r} {caplog.text}"


def test_discord_gets_what_it_takes_and_nobody_is_pinged(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = "/api/webhooks/123456789012345678/" + "t" * 64
    web.offers(Answer(b"", 204), path=webhook)
    notice = replace(FAILED, error="@everyone <@123> " + "x" * 5000 + " last", title="@here " + "y" * 5000)
    with tls_proxy({"discord.com": ("127.0.0.1", web.port)}) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        by = Apprise("on-call", webhook.replace("/api/webhooks/", "discord://"))
        assert send(notice, [by]) == Delivery(done={KEY: ""})

    sent = json.loads(web.asked[0].body)
    assert web.asked[0].path.startswith(webhook)
    text = json.dumps(sent, ensure_ascii=False)
    assert "more characters on the run's page" in text and "last" in text and "Daybook, for data-team" in text
    assert len(sent["content"]) <= 2000
    assert not any(ping in text for ping in ("@everyone", "@here", "<@123>"))


def test_markdown_is_escaped_and_code_is_not(web: Web) -> None:
    send(replace(FAILED, error="a_b*c"), [channel(web, "?format=markdown")])

    text = json.loads(web.asked[0].body)["message"]
    assert "analytics.nps\\_summary still shows" in text
    assert "```\na_b*c\n```" in text
    assert "```\ndaybook load raw_data.nps --execution-date 2021-02-05\n```" in text
    assert "[View run](<http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&x=1>)" in text


def test_html_is_escaped(web: Web) -> None:
    send(FAILED, [channel(web, "?format=html")])

    assert "&lt; 3 &amp; 4 rows" in json.loads(web.asked[0].body)["message"].replace("&nbsp;", " ")


def test_it_is_opened_from_blocks_which_the_command_makes(
    run_blocks: RunBlocks, client: SyncPrefectClient, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    urls = {name: f"json://127.0.0.1:{web.port}/{name}-{SECRET}" for name in ("on-call", "team")}
    run = run_blocks(DAYBOOK_APPRISE_URLS="\n".join(f"{name}={url}" for name, url in urls.items()))
    again = run_blocks(DAYBOOK_APPRISE_URLS=f"team={urls['team']}x")

    made = {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines()}
    assert made == {f"Secret/apprise-{name}": ["created", "json://..."] for name in urls}
    assert again.stdout.split() == ["Secret/apprise-team", "updated", "json://..."]
    assert Apprise.open(client, None) == Apprise.open(client, ()) == ()
    assert Apprise.open(client, ("team", "on-call", "nobody")) == [
        Apprise("team", urls["team"] + "x"),
        Apprise("on-call", urls["on-call"]),
        Apprise("nobody", None),
    ]
    assert {urls["on-call"], urls["team"] + "x"} <= set(secret_values()), "they are redacted in every message"
    assert send(FAILED, Apprise.open(client, ("nobody",))) == Delivery(done={"log": ""})
    assert "no message is sent to nobody: add nobody=URL to DAYBOOK_APPRISE_URLS" in caplog.text
    with pytest.raises(NotConfigured, match="takes names from DAYBOOK_APPRISE_URLS"):
        Apprise.open(client, (urls["team"],))


def test_from_the_environment_alone() -> None:
    environ = {"DAYBOOK_APPRISE_URLS": "on-call=json://127.0.0.1/x team=json://127.0.0.1/y"}

    assert Apprise.from_environment(environ, ("team", "nobody")) == [Apprise("team", "json://127.0.0.1/y")]
    assert Apprise.from_environment(environ, None) == Apprise.from_environment({}, ("team",)) == []
