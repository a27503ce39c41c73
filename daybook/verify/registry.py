"""The checks of a cluster by their names: a function becomes a check by the decorator `check`."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daybook.suggestions import did_you_mean
from daybook.verify import groups
from daybook.verify.groups import TOPICS
from daybook.verify.workbench import Workbench

GUIDE = "https://docs.aws.amazon.com/redshift/latest/"


class Unexpected(Exception):
    """The cluster does not behave as expected. The message has what was found."""


class NotChecked(Exception):
    """The check cannot be made here. The message has the reason, and the GRANT or the setting that it needs."""


class UnknownCheck(ValueError):
    """There is no check of this name."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what is expected and why, and the function that returns what was found."""

    name: str
    expects: str
    """The expectation. Empty for a measurement, which cannot fail."""
    page: str
    """The page of AWS's documentation that has the rule, below GUIDE."""
    find: Callable[[Workbench], str]
    gate: bool = False
    """True if no later check can be made after this one has failed."""

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return GUIDE + self.page


_CHECKS: dict[str, Check] = {}


def check(
    name: str, *, page: str, expects: str = "", gate: bool = False
) -> Callable[[Callable[[Workbench], str]], Check]:
    """Register a function as the check `name`.

    The function returns what was found, as a sentence. It raises `Unexpected` if that is not what `expects` says, and
    `NotChecked` if the check cannot be made. Any other exception is a failed check, too.
    """

    def register(find: Callable[[Workbench], str]) -> Check:
        made = Check(name, expects, page, find, gate)
        _CHECKS[name] = made
        return made

    return register


def all_checks() -> list[Check]:
    """Return every check, in the order of TOPICS and of each topic's module."""
    for topic in TOPICS:
        importlib.import_module(f"{groups.__name__}.{topic}")
    rank = {f"{groups.__name__}.{topic}": number for number, topic in enumerate(TOPICS)}
    return sorted(_CHECKS.values(), key=lambda one: rank[one.find.__module__])


def chosen(names: Sequence[str]) -> list[Check]:
    """Return the checks whose name begins with one of `names`, and those that they need. No names: all checks.

    Raises:
        UnknownCheck: a name matches no check.
    """
    checks = all_checks()
    for name in names:
        if not any(one.name.startswith(name) for one in checks):
            known = [one.name for one in checks]
            raise UnknownCheck(f"there is no check {name!r}{did_you_mean(name, known)}. The checks: {', '.join(known)}")
    return [one for one in checks if not names or one.gate or one.name.startswith(tuple(names))]
