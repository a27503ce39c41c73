"""Log in to the databases of blocks before they are saved, so that a wrong password never replaces a right one.

This module does not import Prefect: an environment with a wrong password is refused at once.
"""

from collections.abc import Iterable

from sqlalchemy import NullPool, create_engine

from daybook.orchestration.blocks.declaration import DatabaseAddress
from daybook.sources.database import readers
from daybook.sql.database_error import DatabaseError
from daybook.sql.login import SECONDS, is_refused, logged_in
from daybook.warehouses.registry import find_warehouse, open_warehouse

#: The option of a warehouse's URL by which a worker logs in with its own identity at AWS, and not with a password.
_IAM = "iam"


def check_logins(databases: Iterable[DatabaseAddress]) -> tuple[list[str], list[str]]:
    """Log in to each database, and return the problems and the notes. Neither has a secret.

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
