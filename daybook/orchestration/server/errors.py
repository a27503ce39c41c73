"""The error of a Prefect server that cannot be used."""

from daybook.errors import DaybookError


class ServerUnreachable(DaybookError):
    """No Prefect server is named, or it does not answer, or it refuses the key."""
