"""The kinds of sources: every module or package in this folder with a class `Config`."""

import importlib
import pkgutil
from functools import reduce
from operator import or_
from typing import Annotated, Any

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
