"""The generated checks of pull requests: the comment of `daybook diff` is posted once, and then updated."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from daybook.cli.project.diff import main
from daybook.diff.formats.markdown import MARK
from daybook.scaffold.new_project import NewProject

pytestmark = pytest.mark.servers  # the shell of the checks

FILES = NewProject("shop").files()
GITHUB: Any = YAML(typ="safe").load(FILES[".github/workflows/daybook.yml"])
GITLAB: Any = YAML(typ="safe").load(FILES[".gitlab-ci.yml"])
BODY = f"{MARK} shop dev -->\n### x\n"
OURS = {"id": 7, "body": BODY, "user": {"type": "Bot"}}
OTHERS = {"id": 6, "body": f"{MARK} another prod -->\n", "user": {"type": "Bot"}}
#: Stands for gh and curl: prints the comments of a list, or writes down the arguments of any other call.
STUB = """#!{python}
import json, os, sys
arguments, there = sys.argv[1:], json.loads(os.environ["THERE"])
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps(arguments), file=calls)
if "--jq" in arguments:
    mark = arguments[-1].split('startswith("')[1].split('")')[0]
    print("\\n".join(str(one["id"]) for one in there if one["body"].startswith(mark)))
elif "-X" not in arguments:
    print(json.dumps(there))
"""


def run(script: str, folder: Path, there: list[dict[str, Any]], **variables: str) -> tuple[int, list[list[str]]]:
    """Run a script of a check with stubs. Return its exit code and the calls of the stubs."""
    for name in ("gh", "curl"):
        (folder / name).write_text(STUB.format(python=sys.executable))
        (folder / name).chmod(0o755)
    (folder / "daybook").write_text(f"#!/bin/sh\nprintf '%s' '{BODY}'\nexit 1\n")
    (folder / "daybook").chmod(0o755)
    (folder / "diff.md").write_text(BODY)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {"PATH": path, "THERE": json.dumps(there), "CALLS": str(folder / "calls"), **variables}
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=given, check=False)
    calls = folder / "calls"
    return done.returncode, [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


@pytest.mark.parametrize(
    ("there", "method", "address"),
    [
        ([OTHERS], "POST", "repos/shop/data/issues/3/comments"),
        ([OTHERS, OURS], "PATCH", "repos/shop/data/issues/comments/7"),
    ],
)
def test_github_has_one_comment(there: list[dict[str, Any]], method: str, address: str, tmp_path: Path) -> None:
    script = GITHUB["jobs"]["diff"]["steps"][-1]["run"]
    summary = str(tmp_path / "summary")
    variables = {"GITHUB_REPOSITORY": "shop/data", "NUMBER": "3", "GITHUB_STEP_SUMMARY": summary}
    code, calls = run(script, tmp_path, there, **variables)
    assert code == 0
    assert calls[-1] == ["api", "--silent", "-X", method, address, "-F", "body=@diff.md"]
    assert Path(summary).read_text() == BODY


@pytest.mark.parametrize(
    ("there", "method", "end"), [([OTHERS], "POST", "/notes"), ([OTHERS, OURS], "PUT", "/notes/7")]
)
def test_gitlab_has_one_comment(there: list[dict[str, Any]], method: str, end: str, tmp_path: Path) -> None:
    variables = {
        "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc",
        "DAYBOOK_GITLAB_TOKEN": "token",
    }
    script = "\n".join(GITLAB["diff"]["script"])
    code, calls = run(script, tmp_path, there, **variables)
    assert code == 1, "the exit code of daybook diff, after the comment"
    call = calls[-1]
    assert (call[call.index("-X") + 1], call[-1]) == (
        method,
        f"https://gitlab.example.com/api/v4/projects/1/merge_requests/3{end}",
    )
    assert "body@diff.md" in call


def test_gitlab_without_a_token_posts_nothing(tmp_path: Path) -> None:
    code, calls = run("\n".join(GITLAB["diff"]["script"]), tmp_path, [], CI_MERGE_REQUEST_DIFF_BASE_SHA="abc")
    assert (code, calls) == (1, [])


def test_every_step_of_the_diff_needs_the_secret() -> None:
    for step in GITHUB["jobs"]["diff"]["steps"]:
        assert "env.PREFECT_API_URL != ''" in step["if"], step
    assert "$PREFECT_API_URL" in GITLAB["diff"]["rules"][0]["if"]


@pytest.mark.parametrize(
    "text", [FILES[".github/workflows/daybook.yml"], FILES[".gitlab-ci.yml"]], ids=["github", "gitlab"]
)
def test_the_options_of_the_command_exist(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = (line for line in text.splitlines() if "daybook diff --target" in line)
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    assert {word for word in line.split() if word.startswith("--") and word != "--target"} <= set(known.split())
