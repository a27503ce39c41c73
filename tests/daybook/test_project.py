"""Which folder is the project's."""

from pathlib import Path

import pytest

from daybook import project
from daybook.definitions.table_files import table_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def without_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(project.VARIABLE, raising=False)


def test_the_nearest_folder_with_tables_from_here_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("outer/tables", "outer/inner/tables/raw", "outer/other/deep"):
        (tmp_path / folder).mkdir(parents=True)
    for here, expected in (
        ("outer/inner/tables/raw", "outer/inner"),
        ("outer/other/deep", "outer"),
        ("outer", "outer"),
    ):
        monkeypatch.chdir(tmp_path / here)
        assert project.project_root() == tmp_path / expected


def test_the_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path / "elsewhere"))
    assert project.project_root() == tmp_path / "elsewhere"


def test_without_tables_it_is_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project.project_root() == project.checkout() == ROOT


def test_without_tables_and_checkout_it_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package has flows/ inside. What lies beside it is other packages: PyTables is called tables, too."""
    installed = tmp_path / "site-packages"
    for folder in ("daybook/flows", "tables"):
        (installed / folder).mkdir(parents=True)
    monkeypatch.setattr(project, "__file__", str(installed / "daybook" / "project.py"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert project.checkout() is None
    assert project.project_root() == tmp_path / "work"


def test_the_tables_are_looked_up_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables" / "shop").mkdir(parents=True)
    (tmp_path / "tables" / "shop" / "orders.yaml").touch()
    assert "shop.orders" not in table_names()
    monkeypatch.chdir(tmp_path)
    assert table_names() == ["shop.orders"]
