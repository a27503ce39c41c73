"""What can go wrong with automations, as a tree. That the server does not answer: `blocks.errors.ServerUnreachable`.

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
