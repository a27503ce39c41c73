"""`daybook`: the list of commands, a misspelt one, and what is imported when."""

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from daybook import __version__
from daybook.cli import main
from daybook.cli.commands import COMMANDS, Command
from daybook.errors import TableFileError

# Imported before a test captures the output, whose stream Prefect's handlers would keep: it is closed afterwards.
importlib.import_module("daybook.orchestration.command_line")
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("typed", [["--help"], ["-h"], ["help"], []])
def test_the_help_lists_every_command(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) == 0
    printed = capsys.readouterr().out
    assert all(f"  {command.name:<16} {command.summary}\n" in printed for command in COMMANDS.values())
    assert all(len(line) <= 80 for line in printed.splitlines())


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"daybook {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("recncile", "did you mean 'reconcile'?"),
        ("catch_up", "did you mean 'catch-up'?"),
        ("zzz", "`daybook --help` lists the commands"),
    ],
)
def test_an_unknown_command(typed: str, remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([typed, "--help"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"daybook: unknown command {typed!r}; {remedy}\n")


def test_an_error_of_ours_is_printed_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(arguments: list[str], prog: str) -> None:
        raise TableFileError(f"{prog} {arguments}")

    monkeypatch.setattr("daybook.cli.schemas.main", fails)
    assert main(["schemas", "--now"]) == 1
    assert capsys.readouterr().err == "TableFileError: daybook schemas ['--now']\n"


@pytest.mark.usefixtures("small_project")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_explains_itself(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command.name, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: daybook {command.name} [-h]")


def test_the_console_script_is_this_command() -> None:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["daybook"]
    module, _, name = script.partition(":")
    assert getattr(importlib.import_module(module), name) is main


@pytest.mark.servers
def test_the_list_of_commands_waits_for_nothing() -> None:
    code = "import sys; from daybook.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert imported.isdisjoint({"prefect", "sqlalchemy", "pydantic", "httpx", "rich", "argparse"})


@pytest.mark.servers
@pytest.mark.parametrize(
    "flow", [name for name in ("nps", "load_table", "load") if (ROOT / "flows" / f"{name}.py").exists()]
)  # nps is an example
def test_a_flow_imports_what_loads_its_rows_only_when_it_runs(flow: str) -> None:
    code = f"import sys, flows.{flow}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    heavy = {"sqlalchemy", "psycopg2", "pymysql", "boto3", "sqlglot", "pandas", "yfinance", "pyarrow", "ruamel.yaml"}
    assert "prefect.flows" in modules
    assert modules.isdisjoint(heavy | {"fastapi", "tenacity", "prefect_sqlalchemy", "prefect_aws"})
    ours = {name.split(".")[1] for name in modules if name.startswith("daybook.")}
    assert ours.isdisjoint({"definitions", "ledger", "sources", "sql", "stage", "warehouses"})


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        (["schemas", "a", "--target", "dev", "b"], ["a", "b"]),
        (["--target=dev", "schemas", "a"], ["a"]),
    ],
)
def test_a_target_may_stand_anywhere_and_ends_with_the_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: list[str],
    passed: list[str],
) -> None:
    (tmp_path / "daybook.yaml").write_text("targets: {dev: {}}")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)
    monkeypatch.setattr(
        "daybook.cli.schemas.main", lambda given, prog: print(given == passed, os.environ["DAYBOOK_TARGET"])
    )
    assert main(typed) is None
    assert capsys.readouterr() == ("True dev\n", "target: dev\n")
    assert "DAYBOOK_TARGET" not in os.environ


def test_a_target_is_refused_before_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setattr("daybook.cli.schemas.main", lambda *given: pytest.fail("it ran"))
    assert main(["schemas", "--target", "dev"]) == 1
    assert capsys.readouterr().err == "TableFileError: daybook.yaml has no target 'dev'; add targets: {dev: {}} to it\n"
    assert main(["schemas", "--target"]) == 2
    assert "--target needs the name of a target" in capsys.readouterr().err


def test_what_follows_two_dashes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybook.cli.schemas.main", lambda given, prog: int(given != ["--", "--target", "x"]))
    assert main(["schemas", "--", "--target", "x"]) == 0


def test_what_uses_this_machine_alone_ignores_the_target_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("daybook.cli.stack.demo", lambda given, prog: 0)
    monkeypatch.setenv("DAYBOOK_TARGET", "a target that no project has")
    assert main(["demo"]) == 0
    assert main(["demo", "--target", "dev"]) == 2
    assert capsys.readouterr().err == "daybook: demo has no targets: leave out --target dev\n"


@pytest.mark.servers
@pytest.mark.parametrize("command", ["--help", "completion bash"])
def test_a_reader_that_ends_early_gets_no_traceback(command: str) -> None:
    reader, output = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "daybook", *command.split()],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(output)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_connection_that_breaks_is_no_early_end_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(arguments: list[str], prog: str) -> None:
        raise BrokenPipeError("of the source")

    monkeypatch.setattr("daybook.cli.schemas.main", fails)
    with open(os.devnull, "w") as output, pytest.raises(BrokenPipeError, match="of the source"):
        monkeypatch.setattr(sys, "stdout", output)
        main(["schemas"])
