"""The files of a project at a git reference."""

import os
import subprocess
from pathlib import Path

import pytest

from daybook.diff.checkout import base_of, project_at
from daybook.diff.errors import DiffRefused
from daybook.project import project_root

pytestmark = pytest.mark.servers


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose folder `data` is a project. The branch `topic` has another table than `main`."""
    root = tmp_path / "company"
    (root / "data/tables/raw").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "data/daybook.yaml").write_text("name: shop\n")
    (root / "data/tables/raw/a.yaml").write_text("first\n")
    (root / "other.bin").write_bytes(b"x" * 100)
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    git(root, "checkout", "-qb", "topic")
    (root / "data/tables/raw/a.yaml").write_text("second\n")
    git(root, "commit", "-qam", "second")
    git(root, "checkout", "-q", "main")
    (root / "data/tables/raw/later.yaml").write_text("later\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "main goes on")
    git(root, "checkout", "-q", "topic")
    return root / "data"


def test_the_files_are_those_of_the_merge_base(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_PROJECT", str(repository))
    base = base_of(repository, "main")
    assert base == git(repository, "rev-parse", "topic~1")
    with project_at(repository, base) as folder:
        assert project_root() == folder
        found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
        assert found == {"daybook.yaml": "name: shop\n", "tables/raw/a.yaml": "first\n"}
    assert project_root() == repository and not folder.exists()


def test_a_shallow_clone_without_a_merge_base_compares_with_the_reference(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "apart")
    git(repository, "commit", "-qm", "no common history")
    assert base_of(repository, "main") == git(repository, "rev-parse", "main")


def test_a_project_that_did_not_exist_has_no_files(repository: Path) -> None:
    (repository.parent / "new/tables").mkdir(parents=True)
    with project_at(repository.parent / "new", git(repository, "rev-parse", "main")) as folder:
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("ref", ["origin/main", "--output=x", "nonsense"])
def test_an_unknown_reference_is_refused_with_what_to_do(repository: Path, ref: str) -> None:
    with pytest.raises(DiffRefused, match=r"git reference|git fetch origin"):
        base_of(repository, ref)
    assert "x" not in os.listdir(repository)


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "alone").mkdir()
    with pytest.raises(DiffRefused, match="not a git repository"):
        base_of(tmp_path / "alone", "main")


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DiffRefused, match="needs git, which is not installed"):
        base_of(repository, "main")
