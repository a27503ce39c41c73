"""The errors of `daybook deploy`."""

from daybook.errors import DaybookError


class DeployRefused(DaybookError):
    """The server has a deployment of another project with a name that this project declares. Nothing was changed."""
