"""The scripts of `daybook completion`, as bash runs them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from daybook.cli.commands import COMMANDS
from daybook.cli.completion import main
from tests.support.servers import install


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    import contextlib
    import io

    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYBOOK_PROJECT", str(tmp_path_factory.mktemp("project")))
        for shell in ("bash", "zsh", "fish"):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                main([shell])
            printed[shell] = out.getvalue()
    return printed


TYPED = {
    "re": {"reconcile", "rename", "reset", "remove"},
    "reset --": {"--dry-run", "--help", "--json", "--keep-rows", "--target", "--yes"},
    "load raw": {"raw.orders", "raw.visits", "raw_shop.items"},
    "load --full": {"--full-refresh"},
    "stage ": {"clean"},
    "stage clean --o": {"--older-than"},
    "summary check raw.o": {"raw.orders"},
}


@pytest.mark.servers
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_each_shell_completes(shell: str, scripts: dict[str, str], tmp_path: Path) -> None:
    if not shutil.which(shell):
        assert not (os.environ.get("CI") and os.getuid() == 0), f"{install.COMMAND} installs {shell} for root"
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "tables/raw").mkdir(parents=True)
    for name in ("orders", "visits"):
        (tmp_path / f"tables/raw/{name}.yaml").touch()
    (tmp_path / "tables/shop.yaml").write_text("source: {kind: database, tables: 'a.*'}\nschema: raw_shop\n")
    (tmp_path / "tables/shop.tables.yaml").write_text("tables:\n  items: {table: a.items, load: replace}\n")
    lines = [scripts[shell]]
    for typed in TYPED:
        words = ["daybook", *typed.split(" ")]
        quoted = " ".join(f"'{word}'" for word in words)
        if shell == "fish":
            lines.append(f"echo (complete -C 'daybook {typed}' | string replace -r '\\t.*' '')")
        else:
            state = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _daybook; echo ${{COMPREPLY[@]}}"
            # how bashcompinit of zsh calls the function
            lines.append(f"() {{ emulate -L sh; setopt kshglob braceexpand; {state} }}" if shell == "zsh" else state)
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    command, text = [shell, *options, "-c", "\n".join(lines)], {"capture_output": True, "text": True}
    done = subprocess.run(command, cwd=tmp_path, check=True, **text)  # type: ignore[call-overload]
    # zsh itself leaves out the words that do not begin with what was typed
    lasts = [typed.split(" ")[-1] for typed in TYPED]
    found = [
        {word for word in line.split() if shell != "zsh" or word.startswith(last)}
        for last, line in zip(lasts, done.stdout.splitlines(), strict=True)
    ]
    assert dict(zip(TYPED, found, strict=True)) == TYPED, done.stderr
    assert not done.stderr


def test_the_scripts_have_every_command(scripts: dict[str, str]) -> None:
    assert all(f" -a {name} -d " in scripts["fish"] for name in COMMANDS)
    assert all(f"        {name}) " in scripts["zsh"] for name in COMMANDS)
    assert "autoload -U +X bashcompinit" in scripts["zsh"]
