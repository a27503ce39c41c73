"""Secrets are redacted, and the rest of an error stays readable."""

import json
from urllib.parse import quote

import psycopg2
import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from daybook.redaction import without_secrets

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQhunter2\nAoGBAhunter2\n-----END PRIVATE KEY-----\n"

FORMS = {
    "a URL": ("to mysql://app:hunter2@db:3306/prod failed", "to mysql://app:***@db:3306/prod failed"),
    "a URL with an @ in its password": ("postgres://app:x@hunter2@db/prod?a=b", "postgres://app:***@db/prod?a=b"),
    "a URL with a slash in its password": ("postgres://app:hunter2/y@db/prod", "postgres://app:***@db/prod"),
    "a URL with a token": ("https://hunter2hunter2hunter2@git.example/x", "https://***@git.example/x"),
    "libpq's keywords": ("host=db user=app password=hunter2 port=5432", "host=db user=app password=*** port=5432"),
    "libpq's keywords, quoted": (r"password='hunter2 \'x hunter2' port=5432", "password=*** port=5432"),
    "a Python dict": ("{'user': 'app', 'password': 'hunter2'}", "{'user': 'app', 'password': ***}"),
    "JSON": ('{"client_secret": "hunter2", "a": 1}', '{"client_secret": ***, "a": 1}'),
    "JSON within JSON": (r'"{\"password\": \"hunter2\"}"', r'"{\"password\": ***'),
    "SQL": ("ALTER USER app PASSWORD 'hunter2'; SELECT 1", "ALTER USER app PASSWORD ***; SELECT 1"),
    "SQL of MySQL": ("CREATE USER app IDENTIFIED BY 'hunter2'", "CREATE USER app IDENTIFIED BY ***"),
    "a query": ("GET /x?api_key=hunter2&a=b", "GET /x?api_key=***&a=b"),
    "an AWS key": ("AccessDenied for AKIAIOSFODNN7EXAMPLE", "AccessDenied for ***"),
    "AWS's secret": ("aws_secret_access_key=hunter2/x+y= region", "aws_secret_access_key=*** region"),
    "a COPY": ("CREDENTIALS 'aws_access_key_id=x;aws_secret_access_key=hunter2'", None),
    "a COPY with keys": (
        "ACCESS_KEY_ID 'hunter2' SECRET_ACCESS_KEY 'hunter2/x+y=' SESSION_TOKEN 'hunter2' MANIFEST",
        "ACCESS_KEY_ID *** SECRET_ACCESS_KEY *** SESSION_TOKEN *** MANIFEST",
    ),
    "a signed URL": ("X-Amz-Signature=hunter2&X-Amz-Security-Token=hunter2&x=y", None),
    "Slack's webhook": ("POST https://hooks.slack.com/services/T0/B0/hunter2: 404", None),
    "Discord's webhook": ("POST https://discord.com/api/webhooks/123/hunter2 -> 404", None),
    "Teams' webhook": ("to https://acme.webhook.office.com/webhookb2/hunter2@x/IncomingWebhook/hunter2/y", None),
    "Slack's token": ("xoxb-1-hunter2 is invalid", "*** is invalid"),
    "Google's key": (f"bad key {KEY!r}", None),
    "Google's key, cut off": (KEY[:50], "***"),
    "a bearer": ("Authorization: Bearer hunter2.x-y", "Authorization: Bearer ***"),
    "a login in base64": ("Authorization: Basic aHVudGVyMg==", "Authorization: Basic ***"),
    "a web token": ("got eyJhunter2.eyJhunter2.hunter2", "got ***"),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS.keys())
def test_everything_that_looks_like_a_secret_is_redacted(text: str, expected: str | None) -> None:
    found = without_secrets(text)

    assert "hunter2" not in found and "aHVudGVyMg" not in found
    assert "***" in found
    assert expected in (None, found)
    assert without_secrets(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "(1045, \"Access denied for user 'app'@'db' (using password: YES)\")",
        'FATAL:  password authentication failed for user "loader"',
        "fe_sendauth: no password supplied",
        'duplicate key value violates unique constraint "nps_pkey"\nDETAIL:  Key (id)=(5) already exists.',
        "raw_data.nps: 5 rows where id is NULL: correct them at the source, and run it again",
        "An error occurred (InvalidAccessKeyId) when calling the PutObject operation: it does not exist.",
        "http://127.0.0.1:4200/runs/flow-run/0190c2c5-8a3a-7d8e-b0f5-8f2b7a1e6f3a",
        'syntax error, unexpected token: "FROM"',
        "basic authentication is off; write to team@example.com",
    ],
)
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


def test_the_drivers_own_errors() -> None:
    with pytest.raises(psycopg2.Error) as refused:
        psycopg2.connect("postgresql://app:hunter2@db:543x/prod", connect_timeout=1)
    with pytest.raises(psycopg2.Error) as not_parsed:
        psycopg2.connect("host=127.0.0.1 hunter2 password=hunter2")
    with pytest.raises(ValueError) as no_port:
        make_url("mysql://app:hunter2@db:port/prod")
    with pytest.raises(pymysql.err.OperationalError) as lost:
        pymysql.connect(host="127.0.0.1", port=9, user="app", password="hunter2")

    for error in (refused, not_parsed, no_port, lost):
        found = without_secrets(f"{type(error.value).__name__}: {error.value}", ["hunter2"])
        assert "hunter2" not in found
        assert len(found) > 40


secrets = st.text(st.characters(codec="utf-8"), min_size=4).filter(lambda text: not set(text) <= set("* \n"))


@given(secret=secrets)
def test_a_known_secret_is_redacted_in_every_encoding(secret: str) -> None:
    spellings = [secret, quote(secret, safe=""), quote(secret, safe="").lower(), json.dumps(secret)[1:-1], repr(secret)]
    for spelling in spellings:
        found = without_secrets(f"before {spelling} after", [secret])
        assert found.replace("'", "").replace('"', "") == "before *** after"


def test_values_that_are_too_short_for_a_secret_are_not_redacted() -> None:
    assert without_secrets("a note on raw_data.nps", ["a", "", "nps"]) == "a note on raw_data.nps"


@given(st.text())
def test_redaction_is_idempotent(text: str) -> None:
    assert without_secrets(without_secrets(text)) == without_secrets(text)
