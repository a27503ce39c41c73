"""The errors of `daybook deploy`."""

from daybook.errors import DaybookError


class DeployStopped(DaybookError):
    """The server stopped answering during a deploy. What was deployed before stays, and a rerun continues."""


class DeployRefused(DaybookError):
    """The server has a deployment of another project with a name that this project declares. Nothing was changed."""
