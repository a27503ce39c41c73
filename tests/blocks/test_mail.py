"""A mail server is one. What its URL may say, the tests of `mail_url` know."""

from tests.support.declared_blocks import refused


def test_a_url_of_something_else_is_refused() -> None:
    assert refused({"DAYBOOK_SMTP_URL": "http://a:hunter2@mail"}) == ["DAYBOOK_SMTP_URL"]
