"""The combinations of packages that break in silence."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from daybook.orchestration.compatibility import BROKEN, NEWEST_PREFECT, OLDEST_PREFECT, broken, install_command

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("installed", "count"),
    [
        ({"prefect": "3.8.8", "sqlalchemy": "2.1.0", "fastapi": "0.150.0"}, 1),
        ({"prefect": "3.8.0", "sqlalchemy": "2.1.9", "fastapi": "0.155.1"}, 2),
        ({"prefect": "3.9.1", "sqlalchemy": "2.1.9", "fastapi": "0.150.0"}, 0),
        ({"prefect": "3.8.8", "sqlalchemy": "2.0.58"}, 0),
    ],
)
def test_a_combination_is_found_by_its_versions(installed: dict[str, str], count: int) -> None:
    assert len(broken(installed)) == count


@pytest.mark.parametrize("prefect", ["3.8.0", "3.8.8", "3.9.1"])
def test_the_command_that_installs_a_version_of_prefect_leaves_no_combination(prefect: str) -> None:
    wanted = dict(re.findall(r"([a-z]+)(==[\d.]+|<[\d.]+)", install_command(prefect)))
    assert wanted.pop("prefect") == f"=={prefect}"
    assert bool(wanted) == bool(broken({"prefect": prefect, "sqlalchemy": "2.1.9", "fastapi": "0.155.1"}))
    for one in BROKEN if wanted else ():
        (name,) = one.versions.keys() - {"prefect"}
        newest = one.versions[name].removeprefix(">=")
        assert not Requirement(name + wanted[name]).specifier.contains(newest)


def test_the_locked_packages_work_together() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", lock, re.MULTILINE))
    assert broken(locked) == []


def test_the_declared_range_has_the_tested_versions_and_nothing_newer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (prefect,) = [Requirement(one) for one in project["dependencies"] if Requirement(one).name == "prefect"]
    assert prefect.specifier.contains(OLDEST_PREFECT) and prefect.specifier.contains(NEWEST_PREFECT)
    assert not prefect.specifier.contains("3.7.9") and not prefect.specifier.contains("3.10.0")


def test_the_reference_names_each_combination_and_the_tested_versions() -> None:
    page = (ROOT / "docs/reference/compatibility.md").read_text()
    assert OLDEST_PREFECT in page and NEWEST_PREFECT in page
    for one in BROKEN:
        assert all(f"{name}{wanted}" in page for name, wanted in one.versions.items()), one
        assert one.effect in page
