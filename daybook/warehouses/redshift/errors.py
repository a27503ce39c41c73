"""Add to an error of Redshift what to set, or to wait for. `missing_privileges` adds what to grant."""

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
    return None
