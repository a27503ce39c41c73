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


_KINDS = _kinds()

#: The `source:` of a table file: the `Config` that has its `kind`.
SourceConfig: Any = Annotated[reduce(or_, _KINDS), Field(discriminator="kind")] if len(_KINDS) > 1 else _KINDS[0]


def default_block(kind: str) -> str | None:
    """Return the block that a source of this kind reads from if its table file names none. None: it has no block."""
    for config in _KINDS:
        if kind in get_args(config.model_fields["kind"].annotation) and "block" in config.model_fields:
            default = config.model_fields["block"].default
            return default if isinstance(default, str) else None
    return None
