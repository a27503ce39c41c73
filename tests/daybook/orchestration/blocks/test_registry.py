"""A block is declared in one file, which nothing else lists: it is made, updated, shown and opened."""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client

import blocks
from daybook.orchestration.blocks import command
from daybook.orchestration.blocks import open as open_
from tests.support.block_fixtures import RunBlocks
from tests.support.declared_blocks import declared, refused, variables

TOY = Path(__file__).parents[3] / "support" / "toy_block"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy's file is in the package `blocks`."""
    monkeypatch.setattr(blocks, "__path__", [*blocks.__path__, str(TOY)])
    yield
    sys.modules.pop("blocks.weather", None)


def key() -> str | None:
    """Return what the toy's block holds; None if there is no such block."""
    with get_client(sync_client=True) as client:
        found = open_.existing(client, Secret, "weather", "WEATHER_API_KEY")
    return found.get() if found else None


@pytest.mark.usefixtures("toy")
def test_a_block_in_a_file_of_its_own_is_created_updated_left_alone_and_opened(run_blocks: RunBlocks) -> None:
    assert key() is None
    printed = [run_blocks(WEATHER_API_KEY=text).stdout for text in ("sunny-1234", "sunny-1234", "rainy-5678")]

    assert [line.split() for line in printed] == [
        ["Secret/weather", "created", "key", "...1234"],
        ["Secret/weather", "unchanged", "key", "...1234"],
        ["Secret/weather", "updated", "key", "...5678"],
    ]
    assert key() == "rainy-5678"


@pytest.mark.usefixtures("toy")
def test_its_variable_is_checked_and_shown_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused({"WEATHER_API_KEY": "short", "SLACK_BOT_TOKEN": "hunter2"}) == ["SLACK_BOT_TOKEN", "WEATHER_API_KEY"]
    with pytest.raises(SystemExit):
        command.parse_arguments(declared(), ["--help"])

    row = "| `WEATHER_API_KEY` | `Secret/weather` | the key of the weather service | `sunny-1234` |"
    assert row in capsys.readouterr().out.splitlines()


def test_without_its_file_there_is_no_such_block() -> None:
    assert "WEATHER_API_KEY" not in variables()


def test_no_two_blocks_read_one_variable_or_have_one_name() -> None:
    names = [variable.name for block in declared() for variable in block.variables]
    addresses = [word for block in declared() for word in block.makes.split() if "/" in word]

    assert len(set(names)) == len(names)
    assert len(set(addresses)) == len(addresses)


def test_a_missing_block_is_made_by_the_variable_that_its_error_names() -> None:
    named = set(re.findall(r'"((?:DAYBOOK|AWS|SLACK|GOOGLE)_[A-Z_]+)"', inspect.getsource(open_)))

    assert named and named <= variables().keys()
