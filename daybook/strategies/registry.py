"""Find the load strategies by the names of the modules that define them."""

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
        ValueError: there is no such strategy. The message lists all names, and the closest one.
    """
    found = all_strategies()
    if name not in found:
        raise ValueError(f"no such strategy; choose one of {', '.join(found)}{did_you_mean(name, found)}")
    return found[name]


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


#: The strategy of a full refresh, whatever the table's own strategy is.
WHOLE_TABLE = strategy_named("replace")
#: The strategy of an `exact` load of intervals, whatever the table's own strategy is.
EXACT_INTERVALS = strategy_named("replace_interval")
