"""The line of requirements.txt must install this Daybook, and no other package of the same name."""

import json
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from daybook import __version__
from daybook.scaffold import requirement as module
from daybook.scaffold.release_files import REQUIREMENTS, outdated_files
from daybook.scaffold.requirement import pinned, requirement

WHEEL = "file:///home/ada/daybook-0.1.0-py3-none-any.whl"


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
        (None, f"daybook[s3]=={__version__}"),
        ({"url": WHEEL, "archive_info": {}}, f"daybook[s3] @ {WHEEL}"),
        (
            {"url": "https://git.example.com/daybook.git", "vcs_info": {"vcs": "git", "commit_id": "8c2f589"}},
            "daybook[s3] @ git+https://git.example.com/daybook.git@8c2f589",
        ),
        ({"url": "file:///home/ada/daybook", "dir_info": {"editable": True}}, f"daybook[s3]=={__version__}"),
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
    assert pinned("# ours\ndaybook==0.0.9\nhttpx==1\n") == f"# ours\ndaybook @ {WHEEL}\nhttpx==1\n"
    (tmp_path / REQUIREMENTS).write_text("daybook[s3,sheets] @ https://files/daybook-0.0.9.whl # ours\n")
    assert outdated_files(tmp_path)[REQUIREMENTS] == f"daybook[s3,sheets] @ {WHEEL} # ours\n"
    installed_from(None)
    assert outdated_files(tmp_path)[REQUIREMENTS] == f"daybook[s3,sheets]=={__version__} # ours\n"
