"""Commands to paste: a shell passes each word on as it was meant."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daybook.orchestration.deployments import run_command
from daybook.shell import command

ROOT = Path(__file__).parents[2]

WORDS = ["a b", "*", "(x)", "it's", '{"a": [1]}', "$HOME", "`id`", "#", "~", "", "ü", "a;b", "x=1"]
ECHO = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"]


def typed(text: str) -> list[str]:
    """Return the words that a program gets from `sh`."""
    words: list[str] = json.loads(subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout)
    return words


@pytest.mark.parametrize(
    ("target", "ends"), [("dev", " --target dev"), ("prod", ""), ("", "")], ids=["another target", "prod", "none"]
)
def test_a_command_of_daybook_names_the_target(target: str, ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", target)
    assert command("daybook", "load", "raw.a b") == f"daybook load 'raw.a b'{ends}"
    assert command("daybook", "load", "raw.a", "--target", "qa") == "daybook load raw.a --target qa"
    assert command("prefect", "version") == "prefect version"


@pytest.mark.servers
def test_a_shell_passes_each_word_on() -> None:
    assert typed(command(*ECHO, *WORDS)) == WORDS


@pytest.mark.servers
def test_the_command_that_runs_a_deployment_has_the_parameters_that_the_flow_gets() -> None:
    from prefect.cli._utilities import load_json_key_values

    parameters = {f"p{place}": word for place, word in enumerate(WORDS)} | {
        "number": 2,
        "text": "2",
        "flag": True,
        "word": "true",
        "none": None,
        "list": ["a b", 1],
        "date": "2021-02-05",
        "lines": "a\nb",
        "quoted": 'say "x"',
    }
    printed = run_command("load/my orders", parameters)
    assert printed.startswith("prefect deployment run ")
    _, _, deployment, *given = typed(printed.replace("prefect", command(*ECHO), 1))
    assert deployment == "load/my orders" and given[::2] == ["--param"] * len(parameters)
    assert load_json_key_values(given[1::2], "parameter") == parameters


def test_a_secret_is_not_in_the_command() -> None:
    assert "hunter2" not in run_command("x/y", {"password": "hunter2"})


def test_nothing_else_quotes_words_for_a_shell() -> None:
    quoting = [path for path in (ROOT / "daybook").rglob("*.py") if "shlex.quote" in path.read_text(encoding="utf-8")]
    assert quoting == []
