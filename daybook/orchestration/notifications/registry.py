"""Find the notification channels: every subclass of `Channel` in a module of `channels/`."""

import importlib
import pkgutil

from daybook.orchestration.notifications import channels
from daybook.orchestration.notifications.channel import Channel


def channel_types() -> dict[str, type[Channel]]:
    """Return every channel class by its name, in the order of the names."""
    modules = [
        importlib.import_module(f"{channels.__name__}.{module.name}")
        for module in pkgutil.iter_modules(channels.__path__)
    ]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Channel) and value.__module__ == module.__name__
    ]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}
