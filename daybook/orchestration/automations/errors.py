"""Errors of automations, as a tree. See `server.errors.ServerUnreachable` for a server that does not answer.

daybook.errors.DaybookError
└── AutomationsError
    ├── AutomationRefused    an automation is invalid: names it, the field and the remedy
    └── NotDeployed          an automation runs a deployment that the server does not have
"""

from daybook.errors import DaybookError


class AutomationsError(DaybookError):
    """The base class of the errors of automations."""


class AutomationRefused(AutomationsError):
    """Automations of the file are invalid. The text has a line for each problem."""


class NotDeployed(AutomationsError):
    """An automation runs a deployment that the server does not have."""
