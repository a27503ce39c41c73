"""No room above the warehouses and the sources has a word of one database: each of them is behind its protocol."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [
    *("audit", "backfill", "definitions", "integrations", "ledger", "load", "model", "monitoring", "stage"),
    *("strategies", "summaries"),
]
#: Names of databases and drivers, of their catalogues and codes, and of what only one of them understands.
WORDS = re.compile(
    r"mysql|mariadb|postgres|redshift|psycopg|pymysql|pgcode|sqlstate|\bdiag\b|\bpg_|information_schema|svv_|stl_|sys_load"
    r"|statement_timeout|time ?zone to|::|isolation level|lock table|(?-i:^(?=.*\d)[0-9A-Z]{5}$)",
    re.IGNORECASE,
)


def spoken(path: Path) -> Iterator[str]:
    """The strings and names of a module, without its docstrings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        names = (getattr(node, field, None) for field in ("id", "attr", "arg", "module", "name"))
        yield from (name for name in names if isinstance(name, str))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_no_word_of_one_database(room: str) -> None:
    files = list((ROOT / "daybook" / room).rglob("*.py"))
    assert files
    found = {f"{path.relative_to(ROOT)}: {text}" for path in files for text in spoken(path) if WORDS.search(text)}
    assert not found
