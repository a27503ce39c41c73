"""The help lists every declared block. tests/repository/test_reference.py compares the documentation with it."""

import pytest

from daybook.orchestration.blocks import command
from tests.support.declared_blocks import declared, variables


def test_the_help_has_a_row_for_each_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parse_arguments(declared(), ["--help"])

    printed = capsys.readouterr().out
    assert ended.value.code == 0
    rows = [line.split("|")[1:3] for line in printed.splitlines() if line.startswith("| `")]
    assert {variable.strip(" `"): blocks.strip().replace("`", "") for variable, blocks in rows} == variables()


def test_an_argument_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        command.parse_arguments(declared(), ["--all"])

    assert ended.value.code == 2
