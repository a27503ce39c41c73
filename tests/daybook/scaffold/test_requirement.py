"""The line of requirements.txt must install this Daybook, and no other package of the same name."""

import json
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from daybook import __version__
from daybook.scaffold import requirement as module
from daybook.scaffold.release_files import REQUIREMENTS, outdated_files
from daybook.scaffold.requirement import former_package, pinned, requirement

WHEEL = "file:///home/ada/prefect_daybook-0.2.0-py3-none-any.whl"


class Installed(Distribution):
    """A distribution that has only what pip records about its origin."""

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, filename: str) -> str | None:
        return json.dumps(self._origin) if self._origin and filename == "direct_url.json" else None

    def locate_file(self, path: object) -> Path:
        raise FileNotFoundError(path)


@pytest.fixture
def installed_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def set_origin(origin: object) -> None:
        monkeypatch.setattr(module, "distribution", lambda _name: Installed(origin))

    return set_origin


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, f"prefect-daybook[s3]=={__version__}"),
        ({"url": WHEEL, "archive_info": {}}, f"prefect-daybook[s3] @ {WHEEL}"),
        (
            {"url": "https://git.example.com/daybook.git", "vcs_info": {"vcs": "git", "commit_id": "8c2f589"}},
            "prefect-daybook[s3] @ git+https://git.example.com/daybook.git@8c2f589",
        ),
        ({"url": "file:///home/ada/daybook", "dir_info": {"editable": True}}, f"prefect-daybook[s3]=={__version__}"),
    ],
)
def test_the_requirement_has_the_origin_of_the_package(
    origin: object, expected: str, installed_from: Callable[[object], None]
) -> None:
    installed_from(origin)
    assert requirement(["s3"]) == expected


def test_an_upgrade_replaces_a_version_and_an_address_and_keeps_extras(
    installed_from: Callable[[object], None], tmp_path: Path
) -> None:
    installed_from({"url": WHEEL, "archive_info": {}})
    assert pinned("# ours\nprefect-daybook==0.2.0\nhttpx==1\n") == f"# ours\nprefect-daybook @ {WHEEL}\nhttpx==1\n"
    (tmp_path / REQUIREMENTS).write_text("daybook[s3,sheets] @ https://files/daybook-0.0.9.whl # ours\n")
    assert outdated_files(tmp_path)[REQUIREMENTS] == f"prefect-daybook[s3,sheets] @ {WHEEL} # ours\n"
    installed_from(None)
    assert outdated_files(tmp_path)[REQUIREMENTS] == f"prefect-daybook[s3,sheets]=={__version__} # ours\n"


@pytest.mark.parametrize(("folders", "expected"), [(False, f"=={__version__}"), (True, " @ file:///home/ada/daybook")])
def test_a_folder_is_named_only_on_the_machine_that_has_it(
    folders: bool, expected: str, installed_from: Callable[[object], None]
) -> None:
    installed_from({"url": "file:///home/ada/daybook", "dir_info": {}})
    assert requirement(folders=folders) == f"prefect-daybook{expected}"


def test_an_installed_package_of_the_former_name_is_named_with_the_commands_that_remove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(name: str, version: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    monkeypatch.setattr("sys.path", [str(tmp_path)])
    install("prefect_daybook", __version__)
    assert former_package() is None
    install("daybook", "0.1.0")
    assert former_package() == (
        "the package daybook 0.1.0 is installed, too: uninstalling it would delete files of prefect-daybook",
        f"pip uninstall -y daybook && pip install --force-reinstall --no-deps prefect-daybook=={__version__}",
    )
