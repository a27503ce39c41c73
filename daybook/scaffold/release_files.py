"""What a release changes in the files of a project: the schemas for editors, and the pin of the release."""

from pathlib import Path

from daybook.scaffold.new_project import differing
from daybook.scaffold.requirement import pinned
from daybook.scaffold.schema_files import schema_files

REQUIREMENTS = "requirements.txt"


def outdated_files(root: Path) -> dict[str, str]:
    """Return the new text of each file of the project in `root` that this release changes, by its path.

    `requirements.txt` changes only if a line of it pins Daybook: `prefect-daybook==0.2.0`, or `prefect-daybook @`
    and an address. Releases before 0.2 were called `daybook`.
    """
    schemas = schema_files()
    files = {name: schemas[name] for name in schemas if not (root / name).exists()}
    files |= {name: schemas[name] for name in differing(root, schemas)}
    path = root / REQUIREMENTS
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        if (new := pinned(text)) != text:
            files[REQUIREMENTS] = new
    return files
