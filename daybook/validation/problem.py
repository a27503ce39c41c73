"""A problem of a project's file, and the lines of YAML files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from daybook.yaml_model import once_per_change

Where = Sequence[str | int]
"""A place in a YAML file: the names of fields, and positions in lists."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` is relative to the project, with slashes. `check` is the name of the check that found it."""

    path: str
    line: int | None
    message: str
    check: str

    def __str__(self) -> str:
        """Return `path:line: message`, which editors and terminals turn into a link."""
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"

    @property
    def place(self) -> tuple[str, int, str]:
        """Return the key by which problems are sorted."""
        return self.path, self.line or 0, self.message


def line_in_yaml(path: Path, where: Where) -> int | None:
    """Return the line of a place in a YAML file, from 1: that of its innermost part that the file has, or None.

    Parts that the file does not have are skipped: pydantic puts the kind of a source between its fields.
    """
    try:
        node = _composed(path)
    except (YAMLError, OSError, UnicodeDecodeError):
        return None
    line = None
    for part in where:
        if isinstance(node, MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if found is not None:
                line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, SequenceNode) and str(part).isdecimal() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line


@once_per_change
def _composed(path: Path) -> Node | None:
    """Return the tree of a YAML file, which hundreds of problems may be in: a list of tables has all of a group."""
    tree: Node | None = YAML(pure=True).compose(path.read_text(encoding="utf-8"))
    return tree
