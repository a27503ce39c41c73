"""The files of a project as they were at a git reference."""

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daybook.diff.errors import DiffRefused
from daybook.project import PROJECT_FILE, VARIABLE

#: What a project's tables are read from.
_NEEDED = (PROJECT_FILE, "pyproject.toml", "tables")


def base_of(root: Path, ref: str) -> str:
    """Return the commit at which the checkout in `root` left `ref`: their merge base. A shallow clone has none: `ref`.

    Raises:
        DiffRefused: git is missing, the folder is in no repository, or git does not know `ref`.
    """
    if ref.startswith("-"):
        raise DiffRefused(f"--since {ref}: expected a git reference, such as origin/main")
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip()
        raise DiffRefused(
            f"--since {ref}: {why or f'git knows no such reference in {root}'}. Fetch it first: git fetch origin. In "
            "CI, check out the whole history: fetch-depth: 0 (GitHub), GIT_DEPTH: 0 (GitLab)"
        ) from None
    try:
        return _git(root, "merge-base", commit, "HEAD").decode().strip()
    except subprocess.CalledProcessError:
        return commit


@contextmanager
def project_at(root: Path, commit: str) -> Iterator[Path]:
    """Yield a temporary folder with the files of the project at `commit`, as the current project.

    Without the project at that commit, the folder is empty.
    """
    with tempfile.TemporaryDirectory(prefix="daybook-diff-") as name:
        folder = Path(name).resolve()
        try:
            prefix = _git(root, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
            top, tree = Path(_git(root, "rev-parse", "--show-toplevel").decode().strip()), f"{commit}:{prefix}"
            there = _git(top, "ls-tree", "--name-only", "-z", tree).decode().split("\0")
            if wanted := [one for one in _NEEDED if one in there]:
                archive = _git(top, "archive", "--format=tar", tree, "--", *wanted)
                with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
                    packed.extractall(folder, filter="data")
        except subprocess.CalledProcessError:  # the folder did not exist at that commit
            pass
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(folder)
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise DiffRefused("--since needs git, which is not installed. Install it, or leave --since out") from None
