"""No module but a strategy's own depends on the name of a load strategy."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.strategies.registry import all_strategies

ROOT = Path(__file__).resolve().parents[2]
#: The ledger records a strategy as text, and says what that means.
COMPARES_THE_RECORDED_TEXT = "daybook/ledger/ledger.py"


def modules() -> list[str]:
    paths = (
        path for package in ("daybook", "flows", "blocks", "deployments") for path in (ROOT / package).rglob("*.py")
    )
    names = (path.relative_to(ROOT) for path in paths)
    return sorted(str(name) for name in names if not name.is_relative_to("daybook/strategies"))


def spelled_names(tree: ast.AST) -> Iterator[str]:
    """Yield each string that is a strategy's name, or SQL that quotes one, unless it says how to decode text."""
    about_decoding = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "errors"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in about_decoding:
            names = all_strategies()
            if node.value in names or any(f"'{name}'" in node.value or f'"{name}"' in node.value for name in names):
                yield f"{node.lineno}: {node.value}"


def compared_strategies(tree: ast.AST) -> Iterator[str]:
    """Yield each comparison of a `strategy`, or of a table's `load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                if getattr(side, "attr", getattr(side, "id", "")) in ("strategy", "load"):
                    yield f"{node.lineno}: {ast.unparse(node)}"


def test_no_strategy_is_spelled_or_compared_outside_of_its_module() -> None:
    found = []
    for module in modules():
        tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
        found += [f"{module}:{line}" for line in spelled_names(tree)]
        if module != COMPARES_THE_RECORDED_TEXT:
            found += [f"{module}:{line}" for line in compared_strategies(tree)]
    assert not found, "ask a property of table.strategy instead:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        'if table.load == "upsert": ...',
        'if plan.strategy not in ("replace", other): ...',
        "if strategy is other: ...",
        "session.run(f\"SELECT 1 FROM {ledger} WHERE strategy <> 'replace_interval'\")",
        'data.decode("utf-8", "replace")',
    ],
)
def test_the_test_finds_them(code: str) -> None:
    tree = ast.parse(code)
    assert [*spelled_names(tree), *compared_strategies(tree)]


def test_decoding_is_something_else() -> None:
    assert not [*spelled_names(ast.parse('data.decode(errors="replace")'))]
