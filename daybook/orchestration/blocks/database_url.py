"""Reads a database URL out of the environment: given the right driver, complete, and free of surprises.

SQLAlchemy's own parser is used (https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls); the rules here
stand where it guesses. It takes everything behind the first `@` as the host, for instance, so that a password which
was not percent-encoded would end up, in clear text, in a field that every page shows.
"""

import re

from sqlalchemy.engine import URL, make_url

from daybook.orchestration.blocks.errors import BadValue

EXAMPLES = {
    "mysql+pymysql": "mysql+pymysql://USER:PASSWORD@HOST:3306/DATABASE",
    "mariadb+pymysql": "mariadb+pymysql://USER:PASSWORD@HOST:3306/DATABASE",
    "postgresql+psycopg2": "postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",
    "redshift+psycopg2": "redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",
}
"""The drivers that Daybook is installed with and tested against, and how a URL of each looks."""

_BARE = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgres": "postgresql+psycopg2",  # Heroku's spelling, which SQLAlchemy gave up
    "postgresql": "postgresql+psycopg2",
    "redshift": "redshift+psycopg2",
}
_SECRET_IN_QUERY = {"password", "passwd", "sslpassword", "ssl_key_password"}
_ENCODE = "percent-encode user and password (@ is %40, : is %3A, / is %2F, % is %25)"


def read(text: str, drivers: tuple[str, ...]) -> tuple[URL, str | None]:
    """Parse `text` as the URL of a database that one of `drivers` (names as in `EXAMPLES`) opens.

    Returns the URL, and a note where a bare `mysql://` or `postgres://` was given its driver (else None).
    Raises `BadValue`.
    """
    url = _parse(text, drivers)
    note = None
    if url.drivername in _BARE:
        note = f"{url.drivername}:// is read as {_BARE[url.drivername]}://"
        url = url.set(drivername=_BARE[url.drivername])
    if url.drivername not in drivers:
        raise BadValue(f"the driver {url.drivername} is not supported here: use {_shapes(drivers)}")
    if not url.database:
        raise BadValue(f"names no database: write it behind the host, as in {EXAMPLES[url.drivername]}")
    for key, value in url.query.items():
        if key.lower() in _SECRET_IN_QUERY:
            raise BadValue(f"?{key}= would be stored readable for all: write the password as USER:PASSWORD@HOST")
        if not isinstance(value, str):
            raise BadValue(
                f"?{key}= is given more than once: give it once (several hosts are one comma-separated list)"
            )
    return url, note


def _parse(text: str, drivers: tuple[str, ...]) -> URL:
    # The scheme alone, as SQLAlchemy reads it; without one the text may be anything, so it is not repeated.
    if not re.match(r"[\w+]+://", text):
        raise BadValue(f"is not a URL: write {_shapes(drivers)}")
    if text.count("@") > 1:
        raise BadValue(f"holds more than one @: {_ENCODE}")
    user_and_password = text.partition("://")[2].rpartition("@")[0]
    if re.search(r"%(?![0-9A-Fa-f]{2})", user_and_password):
        raise BadValue(f"holds a % that encodes nothing: {_ENCODE}")
    try:
        text.encode()
        url = make_url(text)
    except Exception:
        # Their messages repeat the text that they could not read, and that may be the password.
        raise BadValue(f"does not parse as a URL: write {_shapes(drivers)}, and {_ENCODE}") from None
    if "\N{REPLACEMENT CHARACTER}" in f"{url.username}{url.password}":
        raise BadValue("user or password is percent-encoded, but not as UTF-8 (é is %C3%A9)")
    if url.password and not url.username:
        raise BadValue("has a password and no user: write USER:PASSWORD@HOST")
    # An empty password (`user:@host`) is no password, to the drivers and to Prefect's secret fields alike.
    return (
        url
        if url.password
        else URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    )


def _shapes(drivers: tuple[str, ...]) -> str:
    return " or ".join(EXAMPLES[driver] for driver in drivers)
