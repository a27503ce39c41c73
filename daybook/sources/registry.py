"""The kinds of sources: every module or package in this folder with a class `Config`."""

import importlib
import pkgutil
from functools import reduce
from operator import or_
from typing import Annotated, Any, get_args

from pydantic import Field

from daybook import sources
from daybook.sources.base import SourceKind


def _kinds() -> list[type[SourceKind]]:
    modules = (
        importlib.import_module(f"{sources.__name__}.{module.name}")
        for module in pkgutil.iter_modules(sources.__path__)
        if module.name != "registry"
    )
    return [module.Config for module in modules if hasattr(module, "Config")]


#: The kinds of sources.
KINDS = _kinds()

#: The `source:` of a table file: the `Config` that has its `kind`.
SourceConfig: Any = Annotated[reduce(or_, KINDS), Field(discriminator="kind")] if len(KINDS) > 1 else KINDS[0]


def default_block(kind: str) -> str | None:
    """Return the block that a source of this kind reads from if its table file names none. None: it has no block."""
    config = find_kind(kind)
    if config is None or "block" not in config.model_fields:
        return None
    default = config.model_fields["block"].default
    return default if isinstance(default, str) else None


def find_kind(kind: str) -> type[SourceKind] | None:
    """Return the class of a kind of source, or None if there is no such kind."""
    return next((config for config in KINDS if kind in kind_names(config)), None)


def kind_names(config: type[SourceKind]) -> tuple[str, ...]:
    """Return the texts of `kind:` that name this class."""
    return get_args(config.model_fields["kind"].annotation)
