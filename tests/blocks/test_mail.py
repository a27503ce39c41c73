"""The mail server that is given is the one that is asked, or the refusal says how to write it. No password shows."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.mail import MailServer, read_smtp_url
from daybook.orchestration.blocks.errors import BadValue
from tests.support.declared_blocks import refused

words = st.text(min_size=1, alphabet=st.characters(codec="utf-8"))


@given(user=words, password=words)
def test_any_user_and_password_arrive_as_they_are(user: str, password: str) -> None:
    text = f"smtp+starttls://{quote(user, safe='')}:{quote(password, safe='')}@mail.example:2525?from=a@example.com"
    assert read_smtp_url(text) == MailServer("smtp+starttls", "mail.example", 2525, user, password, "a@example.com")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("smtp://relay?from=a@b.c", MailServer("smtp", "relay", 25, None, None, "a@b.c"), id="a relay"),
        pytest.param(
            "smtps://me%40b.c:x@relay/", MailServer("smtps", "relay", 465, "me@b.c", "x", "me@b.c"), id="from the user"
        ),
        pytest.param(
            "smtp+starttls://k:x@[::1]?from=a%2Bb@c.d",
            MailServer("smtp+starttls", "::1", 587, "k", "x", "a+b@c.d"),
            id="IPv6",
        ),
    ],
)
def test_what_is_left_out_is_as_usual(text: str, expected: MailServer) -> None:
    assert read_smtp_url(text) == expected
    assert "password" not in repr(expected)


REFUSED = {
    "no URL": ("hunter2", "is not a mail server's URL"),
    "another protocol": ("imap://me:hunter2@mail", "is not a mail server's URL: write smtp+starttls://"),
    "a port that is not a number": ("smtp://me:hunter2@mail:x", "does not parse"),
    "an @ not encoded": ("smtp://me@b.c:hunter2@mail", "percent-encoded"),
    "a / not encoded": ("smtp://me:hunter2/x@mail?from=a@b.c", "percent-encoded"),
    "no host": ("smtp://?from=a@b.c", "has no valid HOST:PORT after the @"),
    "a user without a password": ("smtp://hunter2@mail?from=a@b.c", "has a user without a password"),
    "no sender": ("smtp://me:hunter2@mail", "names no sender: add ?from="),
    "from no address": ("smtp://me:hunter2@mail?from=hunter2", "add ?from= with an e-mail address"),
    "from an address and a line": ("smtp://me:hunter2@mail?from=a@b.c%0A", "add ?from= with an e-mail address"),
    "another option": ("smtp://me:hunter2@mail?from=a@b.c&verify=0", "accepts only the option ?from="),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_without_repeating_it(text: str, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_smtp_url(text)

    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_the_url_of_something_else_is_refused_by_its_variable() -> None:
    assert refused({"DAYBOOK_SMTP_URL": "http://a:hunter2@mail"}) == ["DAYBOOK_SMTP_URL"]
