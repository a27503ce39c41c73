"""The example project, which `daybook demo` runs: the root of a checkout. A wheel has a copy of its files."""

from pathlib import Path

from daybook.project import checkout


def example_folder() -> Path:
    """Return the folder of the example project."""
    return checkout() or Path(__file__).with_name("example")
