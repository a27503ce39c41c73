"""daybook.yaml, or `[tool.daybook]` of pyproject.toml."""

from pathlib import Path

import pytest

from daybook.definitions.project_file import ProjectFile, read_project
from daybook.errors import TableFileError


def test_without_a_file_every_field_has_its_default(tmp_path: Path) -> None:
    assert read_project(tmp_path) == ProjectFile()


def test_either_file_is_read_and_daybook_yaml_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.daybook]\nname = "shop"\n[tool.daybook.defaults]\nowner = "bi"\n')
    assert read_project(tmp_path) == ProjectFile(name="shop", defaults={"owner": "bi"})
    (tmp_path / "daybook.yaml").write_text("name: store\n")
    assert read_project(tmp_path).name == "store"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("daybook.yaml", "nmae: shop", "unknown field; did you mean 'name'"),
        ("pyproject.toml", "[tool.daybook]\nnmae = 1", r"\[tool.daybook\]: nmae: Extra inputs"),
        ("pyproject.toml", "[tool", "is not TOML"),
    ],
)
def test_an_invalid_file_is_refused_with_its_name(tmp_path: Path, file: str, text: str, problem: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(TableFileError, match=problem) as refused:
        read_project(tmp_path)
    assert str(tmp_path / file) in str(refused.value)
