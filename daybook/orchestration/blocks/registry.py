"""Find the declared blocks: every `BlockDeclaration` in the package `blocks` that sets `makes`."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from daybook.orchestration.blocks.declaration import BlockDeclaration


def declared_blocks(package: ModuleType) -> list[BlockDeclaration]:
    """Return the declarations in the modules of `package`, sorted by their position."""
    return sorted(_found(package), key=lambda declaration: declaration.position)


def _found(package: ModuleType) -> Iterator[BlockDeclaration]:
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name == "__main__":
            continue
        module = importlib.import_module(f"{package.__name__}.{entry.name}")
        for kind in vars(module).values():
            # Skip classes that the module only imports, and base classes of several blocks.
            ours = isinstance(kind, type) and issubclass(kind, BlockDeclaration) and kind.__module__ == module.__name__
            if ours and hasattr(kind, "makes"):
                yield kind()
