"""The help lists every declared block, and the documentation has the same table."""

from pathlib import Path

import pytest

from daybook.orchestration.blocks import command
from tests.support.declared_blocks import declared, variables

ROOT = Path(__file__).resolve().parents[4]


def test_the_table_in_the_documentation_is_that_of_the_declarations() -> None:
    table = command.variables_table(declared())

    assert table in (ROOT / "docs/blocks.md").read_text(encoding="utf-8"), (
        "copy the table that `python -m blocks --help` prints into docs/blocks.md"
    )


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
