"""Find the load strategies: every module of this package that defines one, by the module's name."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache

from daybook import strategies
from daybook.strategies.base import Strategy
from daybook.suggestions import did_you_mean


def all_strategies() -> Mapping[str, Strategy]:
    """Return every strategy by its name, sorted."""
    return _strategies_in(tuple(strategies.__path__))


def strategy_named(name: str) -> Strategy:
    """Return the strategy `name`, as `load:` names it.

    Raises:
        ValueError: there is no such strategy; the message has the nearest name, or all of them.
    """
    known = all_strategies()
    if name not in known:
        raise ValueError(f"no such strategy; there are {', '.join(known)}{did_you_mean(name, known)}")
    return known[name]


@cache
def _strategies_in(folders: tuple[str, ...]) -> Mapping[str, Strategy]:
    modules = sorted(module.name for module in pkgutil.iter_modules(folders))
    found = (_strategy_of(f"{strategies.__name__}.{name}") for name in modules)
    return {strategy.name: strategy for strategy in found if strategy}


def _strategy_of(module: str) -> Strategy | None:
    for _, defined in inspect.getmembers(importlib.import_module(module), inspect.isclass):
        if defined.__module__ == module and issubclass(defined, Strategy) and not inspect.isabstract(defined):
            return defined()
    return None


#: How a full refresh loads every table, whatever its own strategy is.
WHOLE_TABLE = strategy_named("replace")
#: How an `exact` load makes intervals equal to their source, whatever the table's own strategy is.
EXACT_INTERVALS = strategy_named("replace_interval")
