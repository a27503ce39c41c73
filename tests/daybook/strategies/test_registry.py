"""Strategies are found by the files that define them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daybook import strategies
from daybook.definitions.heuristics import propose
from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema
from daybook.model.types import Column, parse_type
from daybook.strategies.base import Strategy
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE, all_strategies, strategy_named
from tests.support.strategy_fixtures import ANOTHER_STRATEGY

FIELDS: dict[str, Any] = {
    "name": "raw_data.nps",
    "description": "One answer a row.",
    "owner": "tests",
    "source": {"kind": "database", "table": "production.nps"},
}


def test_every_strategy_is_one_class_in_the_file_of_its_name() -> None:
    folder = Path(strategies.__path__[0])
    for name, strategy in all_strategies().items():
        assert strategy.name == name and (folder / f"{name}.py").is_file()
        assert type(strategy).__name__ == "".join(part.title() for part in name.split("_"))
        assert strategy.summary and isinstance(strategy.removes_rows, bool)


def test_a_full_refresh_and_exact_intervals_leave_nothing_that_is_not_at_the_source() -> None:
    assert WHOLE_TABLE.removes_rows and not WHOLE_TABLE.has_intervals
    assert EXACT_INTERVALS.removes_rows and EXACT_INTERVALS.has_intervals


@pytest.mark.parametrize("name", ["", "upsrt", "base", "registry", "Upsert", "upsert.Upsert", "../load/plan"])
def test_what_is_no_strategy_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such strategy; choose one of .*upsert"):
        strategy_named(name)


def test_a_misspelt_strategy_is_suggested() -> None:
    with pytest.raises(ValueError, match="did you mean 'upsert'"):
        Table(**FIELDS, load="upsrt")


@pytest.mark.parametrize("strategy", all_strategies().values(), ids=lambda strategy: strategy.name)
def test_a_table_file_is_refused_without_what_its_strategy_needs(strategy: Strategy) -> None:
    given = {"cursor": "modified", "interval": "day", "key": ["id"]}
    table = Table(**FIELDS, load=strategy.name, **given)
    assert table.strategy.name == strategy.name
    assert (table.load_grid is not None) == strategy.has_intervals
    for field, why in strategy.needs.items():
        with pytest.raises(ValueError, match=f"load: {strategy.name} needs {field}: {why}. Add it, or use load: "):
            Table(**FIELDS, load=strategy.name, **{name: value for name, value in given.items() if name != field})


def test_a_new_file_is_a_new_strategy(insert_missing: str) -> None:
    table = Table(**FIELDS, load=insert_missing, cursor="created_at", interval="day", key=["id"])
    assert table.strategy.name == insert_missing and table.load_grid
    with pytest.raises(ValueError, match="load: insert_missing needs key"):
        Table(**FIELDS, load=insert_missing, cursor="created_at", interval="day")


def test_a_new_strategy_is_proposed_by_its_own_judgement(insert_missing: str) -> None:
    columns = [Column("id", parse_type("bigint"), nullable=False), Column("created_at", parse_type("timestamp"))]
    proposal = propose(columns, ("id",), ("created_at",), view=False)
    assert (proposal.load, proposal.cursor) == (insert_missing, "created_at")
    assert propose(columns, (), ("created_at",), view=False).load == EXACT_INTERVALS.name


@pytest.mark.servers
def test_the_schema_of_table_files_lists_a_new_strategy() -> None:
    code = (
        "import json, sys; from daybook import strategies; strategies.__path__.append(sys.argv[1]); "
        "from daybook.definitions.table_files import json_schema; "
        "print(json.dumps(json_schema()['properties']['load']))"
    )
    command = [sys.executable, "-c", code, str(ANOTHER_STRATEGY)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["enum"] == sorted([*json_schema()["properties"]["load"]["enum"], "insert_missing"])
    assert "insert_missing: insert rows with a new key, never change one." in found["description"]
