"""`daybook init`: make a project, the folder in which a company describes its own tables."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from daybook import shell
from daybook.orchestration.server.address import find_address
from daybook.project import VARIABLE, is_project
from daybook.scaffold.new_project import NewProject, differing, is_users, write_file

_DESCRIPTION = """\
Make a project: daybook.yaml, tables/, flows/, requirements.txt, checks for pull requests on GitHub and GitLab, and a
README. It changes nothing on a server. If PREFECT_API_URL is set, it ends with the checks of
`daybook doctor`.
"""
_EXTRAS = ("calendars", "parquet", "redshift", "s3", "sheets", "yfinance")
#: The variables of the blocks that every project needs, each with an example.
_VARIABLES = {
    "DAYBOOK_PRODUCTION_URL": "mysql+pymysql://USER:PASSWORD@HOST/DATABASE",
    "DAYBOOK_WAREHOUSE_URL": "postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE",
    "DAYBOOK_STAGE_URL": "$PWD/.daybook/stage",
}
USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None, prog: str = "daybook init") -> int:
    """Write the files of a project, and print the next commands. Return the exit code: 1 if a file is in the way."""
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument(
        "name", nargs="?", metavar="FOLDER", help="the new folder, which names the project. Default: this folder"
    )
    parser.add_argument("--owner", default="data-team", help="the team that owns the tables (default: data-team)")
    parser.add_argument(
        "--extras",
        type=_extras,
        metavar="LIST",
        help=f"the extras of the package that workers need, with commas between them: {', '.join(_EXTRAS)}. Default: "
        "those that DAYBOOK_WAREHOUSE_URL and DAYBOOK_STAGE_URL need",
    )
    parser.add_argument(
        "--repository", metavar="URL", help="the address from which workers clone the project. Default: git's origin"
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--keep", action="store_true", help="keep every file that exists, and write the others")
    existing.add_argument(
        "--force",
        action="store_true",
        help="overwrite files that exist, but never daybook.yaml, owners.yaml, and files of tables",
    )
    given = parser.parse_args(arguments)
    root = Path(given.name or ".").resolve()
    name = _project_name(root.name)
    if not name:
        print(f"{prog}: {root} has no name to use for the project: name a folder", file=sys.stderr)
        return USAGE_ERROR
    if root.exists() and not root.is_dir():
        print(f"{prog}: {root} is a file: name another folder", file=sys.stderr)
        return USAGE_ERROR
    extras = _needed_extras(os.environ) if given.extras is None else given.extras
    project = NewProject(name, given.owner, extras, given.repository or _origin(root))
    try:
        return _write(root, project, keep=given.keep, force=given.force, folder=given.name)
    except OSError as error:
        print(f"{prog}: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _write(root: Path, project: NewProject, *, keep: bool, force: bool, folder: str | None) -> int:
    files = project.files()
    in_the_way = differing(root, files)
    if in_the_way and not keep and not force:
        print(f"{root} already has files that differ from those of a new project:", file=sys.stderr)
        print("\n".join(f"  {name}" for name in in_the_way), file=sys.stderr)
        print("Nothing was written. --keep keeps them and writes the others; --force overwrites them.", file=sys.stderr)
        return 1
    kept = {name for name in in_the_way if keep or is_users(name)}
    new = [name for name in files if name not in kept and (name in in_the_way or not (root / name).exists())]
    for name in new:
        write_file(root, name, files[name])
    made = f"Made the project {project.name} in {root}: {len(new)} files"
    print(made if new else f"The project {project.name} in {root} has all files already")
    if kept:
        print(f"Kept your own: {', '.join(sorted(kept))}")
    if (other := os.environ.get(VARIABLE)) and Path(other).resolve() != root:
        print(f"{VARIABLE} is {other}, so commands use that project: unset {VARIABLE}")
    elif outer := next((folder for folder in root.parents if is_project(folder)), None):
        print(f"It is inside of another project, {outer}. Below {root}, commands use the new one")
    server = find_address().url
    if server:
        _check(root)
    print("\nNext:")
    for command in _next_commands(folder, with_server=bool(server)):
        print(f"  {command}")
    print("\nREADME.md has the rest: schedules, a worker, upgrades.")
    return 0


def _check(root: Path) -> None:
    """Print what `daybook doctor` finds. A problem is no failure of `init`: most of it is set up after it."""
    print("\nYour servers now, as `daybook doctor` sees them:", flush=True)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(root)
    try:
        from daybook.cli.project.doctor import main as doctor  # imports Prefect, which is slow

        doctor([])
    except Exception as error:
        print(f"daybook doctor could not run: {type(error).__name__}: {error}")
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _next_commands(folder: str | None, *, with_server: bool) -> Iterator[str]:
    """Yield the next commands. Values that only the user knows are in capitals, and variables that are set left out."""
    enter = f"{shell.command('cd', folder)} && " if folder else ""
    if os.environ.get("UV"):  # uvx sets it, and installs in seconds what takes pip minutes
        yield f"{enter}uv venv && . .venv/bin/activate && uv pip install -r requirements.txt"
    else:
        yield f"{enter}python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"
    if not with_server:
        yield "export PREFECT_API_URL=https://YOUR_PREFECT_SERVER/api  # or: daybook stack up starts one here"
    for name, example in _VARIABLES.items():
        if not os.environ.get(name):
            yield f"export {name}={example}"
    yield "daybook blocks && daybook doctor"
    yield "daybook describe production 'SCHEMA.*' --write && daybook validate"
    yield "daybook deploy && prefect worker start --pool daybook"


def _project_name(folder: str) -> str:
    """Return the folder's name as a name for tags and deployments: letters, digits, - and _."""
    return re.sub(r"[^a-z0-9_-]+", "-", folder.lower()).strip("-")


def _extras(text: str) -> tuple[str, ...]:
    chosen = tuple(sorted({part.strip() for part in text.split(",") if part.strip()}))
    unknown = [one for one in chosen if one not in _EXTRAS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no extra {', '.join(unknown)}: choose from {', '.join(_EXTRAS)}")
    return chosen


def _needed_extras(environment: Mapping[str, str]) -> tuple[str, ...]:
    warehouse = environment.get("DAYBOOK_WAREHOUSE_URL", "")
    stage = environment.get("DAYBOOK_STAGE_URL", "")
    if warehouse.startswith("redshift"):
        return ("redshift",)  # it includes s3
    return ("s3",) if stage.startswith("s3:") else ()


def _origin(root: Path) -> str | None:
    """Return the address of git's origin if `root` is the top of a repository that has one."""
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "remote", "get-url", "origin"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    url = found.stdout.strip()
    return url if found.returncode == 0 and url and not re.search(r"//[^/]*@", url) else None
