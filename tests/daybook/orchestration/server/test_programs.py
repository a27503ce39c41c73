"""Hints whose command runs in the reader's shell."""

import sys
from pathlib import Path

import pytest

from daybook.orchestration.server.programs import program


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work next to a virtual environment `my env` that is not on the PATH."""
    programs = tmp_path / "my env" / "bin"
    programs.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    return programs


def install(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "prefect").write_text("#!/bin/sh\n")
    (folder / "prefect").chmod(0o755)


def test_a_program_of_this_environment_that_is_not_on_the_path(environment: Path) -> None:
    install(environment)
    assert program("prefect") == "'my env/bin/prefect'"


def test_another_environment_is_first_on_the_path(environment: Path, tmp_path: Path) -> None:
    install(environment)
    install(tmp_path / "elsewhere")
    assert program("prefect") == "'my env/bin/prefect'"


def test_a_program_on_the_path(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(environment)
    monkeypatch.setenv("PATH", str(environment))
    assert program("prefect") == "prefect"


def test_an_environment_without_the_program(environment: Path) -> None:
    assert program("prefect") == "'my env/bin/python' -m prefect"
