"""Which checks a project gets."""

from typing import Any, cast

import pytest
from prefect.client.orchestration import SyncPrefectClient
from sqlalchemy import create_engine

from daybook.errors import DaybookError
from daybook.orchestration.doctor import examine


def names(monkeypatch: pytest.MonkeyPatch, *stored: str) -> list[str]:
    """Return the names of the checks of a project without tables, if the server has these blocks."""

    def engine(name: str) -> Any:
        if name not in stored:
            raise DaybookError(f"no block {name}")
        return create_engine("sqlite://")

    def missing(*_arguments: object) -> Any:
        raise DaybookError("no block")

    monkeypatch.setattr(examine, "datasets", lambda: ([], []))
    monkeypatch.setattr(examine.blocks, "engine", engine)
    for name in ("warehouse", "stage"):
        monkeypatch.setattr(examine.blocks, name, missing)
    checks, _ = examine._checks(cast(SyncPrefectClient, None))
    return [one.name for one in checks]


def test_the_source_of_a_new_project_is_opened_if_its_block_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "source production" in names(monkeypatch, "production")
    assert "source production" not in names(monkeypatch)
