"""The URL that is given is the URL that is opened, or the refusal says how to write it. A password never shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL, make_url

from daybook.orchestration.blocks import database_url
from daybook.orchestration.blocks.errors import BadValue
from daybook.sources import database as sources
from daybook.warehouses import registry as warehouses

EXAMPLES = tuple(dict.fromkeys(sources.url_examples() + warehouses.url_examples()))
DRIVERS = [example.partition("://")[0] for example in EXAMPLES]

any_text = st.text(min_size=1, alphabet=st.characters(codec="utf-8", exclude_characters="\N{REPLACEMENT CHARACTER}"))


@given(user=any_text, password=any_text, driver=st.sampled_from(DRIVERS))
def test_any_user_and_password_arrive_as_they_are(user: str, password: str, driver: str) -> None:
    url = URL.create(driver, user, password, "db.example", 5432, "prod", {"sslmode": "prefer"})

    read, note = database_url.read(url.render_as_string(hide_password=False), EXAMPLES)

    assert read == url
    assert note is None


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg2:///prod?host=/run/postgresql",
        "postgresql+psycopg2://reader@[::1]:5433/prod",
        "mysql+pymysql://app:a/b:c@db/prod?charset=utf8mb4&ssl_ca=/etc/ca.pem",
        "mariadb+pymysql://app:%C3%A9%40%3A%2F%25@db/naïve%20name",
        "redshift+psycopg2://app:x@wh.eu-west-1.redshift.amazonaws.com:5439/dwh?sslmode=prefer",
    ],
)
def test_what_sqlalchemy_understands_is_kept(text: str) -> None:
    assert database_url.read(text, EXAMPLES) == (make_url(text), None)


@pytest.mark.parametrize(
    ("bare", "driver"),
    [
        ("mysql", "mysql+pymysql"),
        ("mariadb", "mariadb+pymysql"),
        ("postgres", "postgresql+psycopg2"),
        ("postgresql", "postgresql+psycopg2"),
        ("redshift", "redshift+psycopg2"),
    ],
)
def test_a_bare_url_is_given_its_driver_and_that_is_said(bare: str, driver: str) -> None:
    url, note = database_url.read(f"{bare}://app:secret@db/prod", EXAMPLES)

    assert url == make_url(f"{driver}://app:secret@db/prod")
    assert note == f"{bare}:// is read as {driver}://"


def test_an_empty_password_is_none() -> None:
    assert database_url.read("mysql+pymysql://app:@db/prod", EXAMPLES)[0].password is None


REFUSED = {
    "no URL at all": ("hunter2hunter2", "is not a URL: write mysql+pymysql://USER:PASSWORD@HOST"),
    "no scheme": ("db:5432/hunter2", "is not a URL"),
    "a port that is not a number": ("postgresql://app:hunter2@db:x/prod", "does not parse"),
    "an empty port": ("postgresql://app:hunter2@db:/prod", "does not parse"),
    "an @ not encoded": ("postgresql://app:hunter2@more@db/prod", "%40"),
    "an @ and a : not encoded": ("postgresql://app:x@hunter2:y@db/prod", "%40"),
    "an @ and a / not encoded": ("postgresql://app:x@hunter2/y@db/prod", "%40"),
    "a % not encoded": ("postgresql://app:hunter2%zz@db/prod", "% is %25"),
    "encoded as latin1": ("postgresql://app:hunter2%E9@db/prod", "not as UTF-8"),
    "bytes that are not text": ("postgresql://app:hunter2\udce9@db/prod", "does not parse"),
    "another database": ("oracle://app:hunter2@db/prod", "the driver oracle is not supported here"),
    "another driver": ("postgresql+asyncpg://app:hunter2@db/prod", "postgresql+asyncpg is not supported here"),
    "no database": ("mysql://app:hunter2@db", "names no database"),
    "no database, but a slash": ("mysql://app:hunter2@db/?charset=utf8mb4", "names no database"),
    "a password without its user": ("mysql://:hunter2@db/prod", "has a password but no user"),
    "a password in the query": ("mysql://app@db/prod?password=hunter2", "?password= would be stored in clear text"),
    "a key's password in the query": ("postgres://app@db/prod?sslpassword=hunter2", "?sslpassword= would be stored"),
    "a limit that is no number": (
        "postgres://app@db/prod?read_timeout=4h",
        "?read_timeout=4h is not a number of seconds",
    ),
    "no limit": ("mysql://app@db/prod?read_timeout=0", "?read_timeout=0 is not a number of seconds"),
    "a key twice": ("postgres://app:hunter2@/prod?host=a&host=b", "?host= is given more than once"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_without_repeating_it(text: str, reason: str) -> None:
    with pytest.raises(BadValue) as refused:
        database_url.read(text, EXAMPLES)

    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
