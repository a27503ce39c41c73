"""Optional dependencies: import them inside `with extra("sheets"):`, so that the error names the extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from daybook import DISTRIBUTION
from daybook.errors import ExtraMissing


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Wrap the imports of modules that the extra `name` of pyproject.toml installs.

    Raises:
        ExtraMissing: a module that the block imports is not installed. The error has the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module == "daybook":  # a bug of Daybook, which no installation fixes
            raise
        raise ExtraMissing(f"the Python package {module!r} is not installed: run {install_command(name)}") from None


def install_command(name: str) -> str:
    """Return the command that installs the extra `name` of pyproject.toml."""
    return f"pip install '{DISTRIBUTION}[{name}]'"
