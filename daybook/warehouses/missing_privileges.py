"""Add the GRANT to an error of PostgreSQL or Redshift about a privilege that the user lacks."""

import re

from daybook.sql.database_error import DatabaseError

#: What the user needs for each kind of object that Redshift names in "permission denied for …".
_GRANTS = {
    "schema": "GRANT USAGE, CREATE ON SCHEMA {name} TO {user}",
    "relation": "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {user}, or ALTER TABLE {name} OWNER TO {user}",
    "table": "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {user}, or ALTER TABLE {name} OWNER TO {user}",
    "database": "GRANT CREATE ON DATABASE {name} TO {user}",
}
_DENIED = re.compile(r"permission denied for (schema|relation|table|database) (\S+)")
_OWNER = re.compile(r"must be owner of (?:relation|table) (\S+)")


def with_grant(found: DatabaseError, error: BaseException) -> None:
    """Add the GRANT to the message of `found`, which was read from the driver's `error`."""
    remedy = None
    if denied := _DENIED.search(found.message):
        remedy = _GRANTS[denied[1]].format(name=_qualified(denied[2], error), user=_user(error))
    elif owned := _OWNER.search(found.message):
        remedy = f"ALTER TABLE {_qualified(owned[1], error)} OWNER TO {_user(error)}"
    if remedy:
        found.message = f"{found.message.rstrip('.')}. {remedy}"


def _qualified(name: str, error: BaseException) -> str:
    """Return a name of a message, with the schema if the failed statement has it: Redshift leaves it out."""
    cursor = getattr(error, "cursor", None)
    statement = (cursor.query or b"").decode(errors="replace") if cursor is not None else ""
    found = re.search(rf'("[^"]+"|\w+)\."?{re.escape(name)}"?(?!\w)', statement)
    return f"{found[1].strip(chr(34))}.{name}" if found else name


def _user(error: BaseException) -> str:
    """Return the user of the session in which the error occurred, as SQL."""
    cursor = getattr(error, "cursor", None)
    name = str(cursor.connection.info.user) if cursor is not None else "the warehouse's user"
    # The name of a login with GetClusterCredentials begins with IAM: or IAMA:, and that of its database user does not.
    prefix, _, plain = name.rpartition(":")
    if prefix == "IAMA":
        name = plain
    elif prefix == "IAM":
        return f'{_quoted(plain)} (or "{name}", if the URL has no user)'
    return _quoted(name)


def _quoted(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
