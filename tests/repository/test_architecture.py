"""The arrows between the packages, and the size of a module."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("daybook", "flows", "blocks", "deployments")


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_the_import_contract_holds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_a_module_fits_in_a_head() -> None:
    assert not [path for path in modules() if len(path.read_text(encoding="utf-8").splitlines()) > 250]


def test_a_module_says_why_it_exists() -> None:
    assert not [path for path in modules() if not path.read_text(encoding="utf-8").startswith(('"""', "#!"))]


@pytest.mark.parametrize("package", ["flows", "blocks"])
def test_what_the_wheel_has_inside_imports_no_package_of_a_companys_own(package: str) -> None:
    """In a wheel, `flows` and `blocks` are modules of `daybook`: by their short names they are somebody else's."""
    imported = re.compile(r"^\s*(?:from|import) (?:flows|blocks)\b", re.MULTILINE)
    assert not [path for path in (ROOT / package).rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "misc", "manager"}
    assert not [path for path in modules() if path.stem in vague]
