"""Add a load strategy that Daybook finds, as if its file were in `daybook/strategies/`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook import strategies

#: The folder of the module with the additional strategy.
ANOTHER_STRATEGY = Path(__file__).parent / "another_strategy"


@pytest.fixture
def insert_missing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the name of a fourth strategy, which Daybook finds while the test runs."""
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(ANOTHER_STRATEGY)])
    yield "insert_missing"
    sys.modules.pop(f"{strategies.__name__}.insert_missing", None)
    vars(strategies).pop("insert_missing", None)
