"""What a release changes in the files of a project: the schemas for editors, and the pin of the release."""

import re
from pathlib import Path

from daybook import __version__
from daybook.scaffold.new_project import differing
from daybook.scaffold.schema_files import schema_files

REQUIREMENTS = "requirements.txt"
_PIN = re.compile(r"^(daybook(?:\[[^\]]*\])?==)([^\s;#]+)", re.MULTILINE)


def outdated_files(root: Path) -> dict[str, str]:
    """Return the new text of each file of the project in `root` that this release changes, by its path.

    `requirements.txt` changes only if a line of it pins Daybook: `daybook==0.1.0`.
    """
    schemas = schema_files()
    files = {name: schemas[name] for name in schemas if not (root / name).exists()}
    files |= {name: schemas[name] for name in differing(root, schemas)}
    path = root / REQUIREMENTS
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        pinned = _PIN.sub(rf"\g<1>{__version__}", text)
        if pinned != text:
            files[REQUIREMENTS] = pinned
    return files
