"""`--help` prints and does nothing else: no command writes a file, and none asks a server."""

import runpy
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from daybook.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
FLOWS = [f"flows.{path.stem}" for path in sorted((ROOT / "flows").glob("*.py")) if path.stem != "__init__"]
MODULES = ["daybook", "daybook.tables", "daybook.describe", "daybook.summary", "blocks", *FLOWS]
SUBCOMMANDS = ["stack up", "stack down", "stack status", "stage clean", "summary check", "summary build"]
TYPED = [*(f"daybook {name}" for name in [*COMMANDS, *SUBCOMMANDS]), *MODULES]


def content(folder: Path) -> dict[str, Any]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("typed", TYPED)
def test_help_never_acts(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def connect(*arguments: Any) -> None:
        raise AssertionError(f"--help connects to {arguments[1:]}")

    (tmp_path / "tables/raw").mkdir(parents=True)
    (tmp_path / "daybook.yaml").write_text("name: x\n", encoding="utf-8")
    before = content(tmp_path)
    module, *rest = typed.split()
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [module, *rest, "--help"])
    monkeypatch.delitem(sys.modules, module, raising=False) if module.startswith("flows.") else None
    with pytest.raises(SystemExit) as left:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    assert not left.value.code
    assert capsys.readouterr().out.startswith("usage: ")
    assert content(tmp_path) == before
