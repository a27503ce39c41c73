"""The errors of `daybook deploy`."""

from daybook.errors import DaybookError


class DeployStopped(DaybookError):
    """The server stopped answering during a deploy. What was deployed before stays, and a rerun continues."""


class DeployRefused(DaybookError):
    """The deploy would take over or remove deployments of another project or folder. Nothing was changed."""
