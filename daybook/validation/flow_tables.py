"""Check the flows of a project for tables without a file, without importing them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles
from daybook.validation.references import undefined

#: The functions of Daybook whose first argument, or argument `table`, is the name of a table.
_TAKE_TABLE = frozenset({"plan", "wait_for", "load_flow_options", "read_table"})


def check_flows(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each table without a file that a flow gives to Daybook, and for each syntax error."""
    for path in sorted((project.root / "flows").glob("*.py")):
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except SyntaxError as error:
            yield project.problem(path, "flows", f"it is not Python: {error.msg}", error.lineno or ())
            continue
        for line, name in _named(tree):
            if message := undefined(project, name):
                yield _problem(project, path, message, line)


def _problem(project: ProjectFiles, path: Path, message: str, line: int) -> Problem:
    return project.problem(path, "flows", message, line)


def _named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the tables that a module gives to Daybook's functions, with their lines."""
    ours = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "daybook"
        for alias in node.names
        if alias.name in _TAKE_TABLE
    }
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in ("submit", "with_options"):
            function = function.value
        if not isinstance(function, ast.Name) or function.id not in ours:
            continue
        given = [*call.args[:1], *(one.value for one in call.keywords if one.arg in ("table", "name"))]
        for argument in given:
            value = constants.get(argument.id) if isinstance(argument, ast.Name) else getattr(argument, "value", None)
            if isinstance(value, str) and "." in value:
                yield argument.lineno, value
