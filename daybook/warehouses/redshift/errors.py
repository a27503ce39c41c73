"""Add to an error of Redshift what to grant, to set, or to wait for."""

import re

from daybook.sql.database_error import DatabaseError

#: libpq's texts for a host that does not answer.
_UNREACHABLE = (
    "connection refused",
    "timeout expired",
    "timed out",
    "could not translate host name",
    "no route to host",
)
_PAUSED = (
    "If the cluster is paused, resume it (aws redshift resume-cluster --cluster-identifier NAME); if it is being "
    "resized, wait until it is available. Otherwise, correct host and port in the URL, or allow this machine in the "
    "cluster's security group"
)
#: What the user needs for each kind of object that Redshift names in "permission denied for …".
_GRANTS = {
    "schema": "GRANT USAGE, CREATE ON SCHEMA {name} TO {user}",
    "relation": "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {user}, or ALTER TABLE {name} OWNER TO {user}",
    "table": "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {user}, or ALTER TABLE {name} OWNER TO {user}",
    "database": "GRANT CREATE ON DATABASE {name} TO {user}",
}
_DENIED = re.compile(r"permission denied for (schema|relation|table|database) (\S+)")
_OWNER = re.compile(r"must be owner of (?:relation|table) (\S+)")


def with_remedy(found: DatabaseError, error: BaseException) -> None:
    """Add the remedy to the message of `found`, which was read from the driver's `error`."""
    if remedy := _remedy(found, error):
        found.message = f"{found.message.rstrip('.')}. {remedy}"


def _remedy(found: DatabaseError, error: BaseException) -> str | None:
    text = str(found)
    if "authentication method 13" in text:
        # libpq knows no such request: https://github.com/psycopg/psycopg2/issues/1758
        return (
            "The user has a sha256 password, which only AWS's own drivers understand. Give it an md5 password "
            "(ALTER USER name PASSWORD 'md5…', the md5 of the password followed by the name: "
            "https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html), or log in with IAM: remove the "
            "password from the URL of the warehouse's block, and add ?iam=true"
        )
    if getattr(error, "pgcode", None) is None:
        return _PAUSED if any(phrase in text.lower() for phrase in _UNREACHABLE) else None
    if "read-only" in found.message.lower():
        return "A cluster can only be read while it is resized: wait until it is available, and run this again"
    if denied := _DENIED.search(found.message):
        return _GRANTS[denied[1]].format(name=_qualified(denied[2], error), user=_user(error))
    if owned := _OWNER.search(found.message):
        return f"ALTER TABLE {_qualified(owned[1], error)} OWNER TO {_user(error)}"
    return None


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
