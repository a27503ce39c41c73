"""Where things stand: rooms and their arrows, a module's size and name, and each test at the place of its module."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("daybook", "flows", "blocks")
FOLDERS = (*PACKAGES, "deployments")

MAX_LINES = 250
MAX_MODULES = 15
#: A room with more modules than that, and why it is one room.
LARGE_ROOMS: dict[str, str] = {
    "flows": "one module a flow",
    "blocks": "one module a block",
    "daybook/cli": "one module a command",
    "daybook/verify/groups": "one module a topic",
}

#: Rooms whose modules are named for their subject, because the room says what it has of each subject.
#: flows/audit.py is the flow, parameters/audit.py has its parameters, artifacts/audit.py its page.
ASPECTS: dict[str, str] = {
    "flows": "the flow",
    "blocks": "the declaration of the block",
    "deployments": "what a person types from before `daybook` was a command",
    "daybook": "what a person types from before `daybook` was a command, and what all rooms share",
    "daybook/cli": "the command",
    "daybook/orchestration": "what a flow does with that room of daybook",
    "daybook/orchestration/parameters": "the parameters of the flow",
    "daybook/orchestration/artifacts": "its page",
    "daybook/orchestration/metrics": "its figures",
    "daybook/orchestration/notifications/channels": "the channel that the block opens",
    "daybook/integrations": "what Daybook does with that system besides reading from it",
    "daybook/sources": "how it is read",
    "daybook/sources/database": "how that database is read",
    "daybook/sql/checksum/dialects": "how that database writes a value for the checksum",
    "daybook/verify/groups": "what a cluster must do for it",
    "daybook/warehouses": "how that database is loaded",
}

#: Names that mean the same in every room.
GENERIC: dict[str, str] = {
    "base": "the protocol or the base class that the room's modules have in common",
    "checksum": "sql/checksum is how rows are hashed; a warehouse's has its own expressions for that",
    "client": "how the room talks to its server",
    "environment": "the environment variables that the room reads or sets",
    "errors": "the exceptions that the room raises",
    "failures": "loads that failed: the ledger's room keeps them, the notifications' detects them",
    "registry": "which modules the room has, by name",
    "repair": "the repair of what an audit finds: what it loads again, and how",
    "server": "how the room starts or reaches its server",
    "source": "the source that the room opens",
}

#: Tests of no module in particular.
FREE_ROOMS = ("integration", "end_to_end", "support", "repository", "tables")


def modules() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]


def rooms() -> dict[str, list[Path]]:
    """Return each folder with a module in it, and its modules."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in modules():
        found[str(path.parent.relative_to(ROOT))].append(path)
    return found


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(cli, "_configure_logging", lambda verbose: None)  # it would switch off all other loggers
    assert cli.lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_a_module_is_at_most_250_lines_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert not {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > MAX_LINES}


def test_a_module_says_why_it_exists() -> None:
    assert not [path for path in modules() if not path.read_text(encoding="utf-8").startswith(('"""', "#!"))]


@pytest.mark.parametrize("package", ["flows", "blocks"])
def test_what_the_wheel_has_inside_imports_no_package_of_a_companys_own(package: str) -> None:
    """In a wheel, `flows` and `blocks` are modules of `daybook`: their short names belong to the company."""
    imported = re.compile(r"^\s*(?:from|import) (?:flows|blocks)\b", re.MULTILINE)
    assert not [path for path in (ROOT / package).rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]


def test_a_room_says_what_it_is_for() -> None:
    packages = [room for room in rooms() if room.split("/")[0] in PACKAGES]
    assert not [room for room in packages if not (ROOT / room / "__init__.py").exists()]


def test_a_room_has_at_most_about_15_modules() -> None:
    counts = {room: len([path for path in found if path.stem[:2] != "__"]) for room, found in rooms().items()}
    assert {room for room, count in counts.items() if count > MAX_MODULES} <= set(LARGE_ROOMS)


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "misc", "manager"}
    assert not [path for path in modules() if path.stem in vague]


def test_no_two_modules_of_one_name_mean_different_things() -> None:
    named: dict[str, list[str]] = defaultdict(list)
    for room, found in rooms().items():
        if room not in ASPECTS:
            for path in found:
                if path.stem[:2] != "__" and path.stem != path.parent.name:  # ledger/ledger.py is the room's namesake
                    named[path.stem].append(str(path.relative_to(ROOT)))
        if str(Path(room).parent) not in ASPECTS:
            named[Path(room).name].append(room)
    twice = {name: places for name, places in named.items() if len(places) > 1 and name not in GENERIC}
    assert not twice, "give one of them another name, or say in this file why they mean the same"


def test_a_test_stands_where_its_module_stands() -> None:
    """tests/ROOM/test_MODULE.py, or test_MODULE_and_what_of_it.py, for a module or a room of that name in ROOM."""
    strays = []
    for test in (ROOT / "tests").rglob("test_*.py"):
        room = test.parent.relative_to(ROOT / "tests")
        if room.parts and room.parts[0] in FREE_ROOMS:
            continue
        words = test.stem.split("_")[1:]
        names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
        places = [ROOT / room / name for name in [*names, f"__{names[0]}__"]]
        if not any(place.is_dir() or place.with_suffix(".py").is_file() for place in places):
            strays.append(str(test.relative_to(ROOT)))
    assert not strays
