"""Errors of automations, as a tree. See `blocks.errors.ServerUnreachable` for a server that does not answer.

daybook.errors.DaybookError
└── AutomationsError
    ├── AutomationRefused    one is not as Prefect has it: names it, the field and the remedy
    └── NotDeployed          one is to run a deployment that the server does not have
"""

from daybook.errors import DaybookError


class AutomationsError(DaybookError):
    """The root of this folder's errors."""


class AutomationRefused(AutomationsError):
    """Automations of the file are not as Prefect has them: all that is wrong, a line each."""


class NotDeployed(AutomationsError):
    """An automation is to run a deployment that is not on the server."""
