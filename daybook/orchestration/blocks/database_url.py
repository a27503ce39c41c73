"""Read a database URL, which must be complete and use a driver that Daybook supports, and log in with it.

SQLAlchemy parses the URL (https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls). The rules here refuse
URLs in which it would guess. For example, it takes everything after the first `@` as the host, so part of a password
that is not percent-encoded would end up in clear text in a field that every page shows.
"""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL, make_url

from daybook.orchestration.blocks.declaration import DatabaseAddress
from daybook.orchestration.blocks.errors import BadValue
from daybook.sources.database import readers
from daybook.sql.database_error import DatabaseError
from daybook.sql.login import SECONDS, is_refused, logged_in
from daybook.sql.network_limits import READ_TIMEOUT
from daybook.warehouses.registry import find_warehouse, open_warehouse

_ALIASES = {"postgres": "postgresql"}
"""Heroku's name for the dialect, which SQLAlchemy no longer accepts."""
_SECRET_IN_QUERY = {"password", "passwd", "sslpassword", "ssl_key_password"}
#: The option of a warehouse's URL by which a worker logs in with its own identity at AWS, and not with a password.
_IAM = "iam"
_ENCODE = "percent-encode user and password (@ is %40, : is %3A, / is %2F, % is %25)"


def read(text: str, examples: Sequence[str]) -> tuple[URL, str | None]:
    """Parse `text` as the URL of a database with the driver of one of `examples`.

    An example is a URL such as `mysql+pymysql://USER:PASSWORD@HOST:3306/DATABASE`. Errors show it.

    Return the URL, and a note if a driver was added to a bare `mysql://` or `postgres://` (else None).
    Raises `BadValue`, which never repeats the password.
    """
    by_driver = {example.partition("://")[0]: example for example in examples}
    url = _parse(text, examples)
    note = None
    dialect = _ALIASES.get(url.drivername, url.drivername)
    driver = next((one for one in by_driver if one.partition("+")[0] == dialect), None)
    if driver and url.drivername not in by_driver:
        note = f"{url.drivername}:// is read as {driver}://"
        url = url.set(drivername=driver)
    if url.drivername not in by_driver:
        raise BadValue(f"the driver {url.drivername} is not supported here: use {' or '.join(examples)}")
    if not url.database:
        raise BadValue(f"names no database: write it after the host, as in {by_driver[url.drivername]}")
    for key, value in url.query.items():
        if key.lower() in _SECRET_IN_QUERY:
            raise BadValue(f"?{key}= would be stored in clear text: write the password as USER:PASSWORD@HOST")
        if not isinstance(value, str):
            raise BadValue(
                f"?{key}= is given more than once: give it once (several hosts are one comma-separated list)"
            )
        if key == READ_TIMEOUT and not (value.isdecimal() and int(value)):
            raise BadValue(f"?{key}={value} is not a number of seconds: write an integer from 1 on")
    return url, note


def _parse(text: str, examples: Sequence[str]) -> URL:
    # Check only the scheme, by SQLAlchemy's rule. Text without a scheme may be a secret, so the error leaves it out.
    if not re.match(r"[\w+]+://", text):
        raise BadValue(f"is not a URL: write {' or '.join(examples)}")
    if text.count("@") > 1:
        raise BadValue(f"contains more than one @: {_ENCODE}")
    user_and_password = text.partition("://")[2].rpartition("@")[0]
    if re.search(r"%(?![0-9A-Fa-f]{2})", user_and_password):
        raise BadValue(f"contains a % that encodes nothing: {_ENCODE}")
    try:
        text.encode()
        url = make_url(text)
    except Exception:
        # SQLAlchemy's messages repeat the text that it could not read, which may be the password.
        raise BadValue(f"does not parse as a URL: write {' or '.join(examples)}, and {_ENCODE}") from None
    if "\N{REPLACEMENT CHARACTER}" in f"{url.username}{url.password}":
        raise BadValue("user or password is percent-encoded, but not as UTF-8 (é is %C3%A9)")
    if url.password and not url.username:
        raise BadValue("has a password but no user: write USER:PASSWORD@HOST")
    # Drivers and Prefect's secret fields treat an empty password (`user:@host`) as none.
    return (
        url
        if url.password
        else URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    )


def check_logins(databases: Iterable[DatabaseAddress]) -> tuple[list[str], list[str]]:
    """Log in to each database before its block is saved, and return the problems and the notes. Neither has a secret.

    A login that the server refuses is a problem. A database that this machine cannot reach is a note, because the
    worker may reach it.

    Raises:
        ExtraMissing: a warehouse's SQLAlchemy dialect is not installed.
    """
    problems, notes = list[str](), list[str]()
    for one in databases:
        shown = one.url.render_as_string(hide_password=True)
        if one.url.query.get(_IAM):
            notes.append(f"{one.variable}: the login with IAM is not checked: run `daybook doctor`")
            continue
        try:
            _log_in(one)
        except DatabaseError as error:
            if is_refused(error):
                remedy = "Correct it, or save it all the same with --no-check"
                problems.append(f"{one.variable}: {shown} refuses the login: {error.message}. {remedy}")
            else:
                notes.append(f"{one.variable}: this machine cannot reach {shown} (a worker may): {error.message}")
    return problems, notes


def _log_in(one: DatabaseAddress) -> None:
    if one.exclusive:
        find_warehouse(one.url.get_backend_name()).check_installed()
    engine = create_engine(one.url, poolclass=NullPool, hide_parameters=True)
    if one.exclusive:  # a warehouse has options of its own in the URL
        opened = open_warehouse(engine, copy_iam_role="default")
        opened.set_timeouts(SECONDS)
        with opened.session():
            return
    with logged_in(engine, readers()[engine.dialect.name].read_error):
        return
