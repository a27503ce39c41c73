"""All files of a project: one that cannot be used hides no other."""

import sys
from pathlib import Path

import pytest

from daybook.definitions.registry import datasets
from tests.support.small_project import NPS, write_project


def test_a_table_that_needs_a_missing_package_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path, {"raw_data/nps.yaml": NPS, "raw_data/prices.yaml": f"{NPS}calendar: XNYS\n"})
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    found, problems = datasets()
    assert [one.name for one in found] == ["raw_data.nps"]
    (problem,) = map(str, problems)
    assert problem.startswith("raw_data.prices: ") and "pip install 'prefect-daybook[calendars]'" in problem
