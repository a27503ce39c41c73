"""The scripts of `daybook completion`, as bash runs them."""

import subprocess
from pathlib import Path

import pytest

from daybook.cli.commands import COMMANDS
from daybook.cli.completion import main


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    import contextlib
    import io

    printed = {}
    for shell in ("bash", "zsh", "fish"):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            main([shell])
        printed[shell] = out.getvalue()
    return printed


@pytest.mark.servers
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("re", {"reconcile", "rename", "reset", "remove"}),
        ("reset --", {"--dry-run", "--help", "--keep-rows", "--yes"}),
        ("load raw.", {"raw.orders", "raw.visits"}),
        ("load --full", {"--full-refresh"}),
    ],
)
def test_bash(typed: str, expected: set[str], scripts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tables/raw").mkdir(parents=True)
    for name in ("orders", "visits"):
        (tmp_path / f"tables/raw/{name}.yaml").touch()
    words = ["daybook", *typed.split(" ")]
    state = f'COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _daybook; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", f"{scripts['bash']}\n{state}"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == expected, done.stderr


def test_the_scripts_have_every_command(scripts: dict[str, str]) -> None:
    assert all(f" -a {name} -d " in scripts["fish"] for name in COMMANDS)
    assert all(f"        {name}) " in scripts["zsh"] for name in COMMANDS)
    assert scripts["zsh"].startswith("autoload -U +X bashcompinit")
