"""Find the project: the folder with `daybook.yaml`, `tables/`, and one company's flows and deployments."""

import os
import re
from pathlib import Path

#: The variable with the project's folder. It is needed if the working directory is outside of the project.
VARIABLE = "DAYBOOK_PROJECT"
#: The project's file. `[tool.daybook]` of a `pyproject.toml` can replace it.
PROJECT_FILE = "daybook.yaml"
_TABLE_OF_PYPROJECT = re.compile(r"^\s*\[tool\.daybook[\].]", re.MULTILINE)
#: The variable with the name of the target: daybook/definitions/targets. `--target` and deployments set it.
TARGET = "DAYBOOK_TARGET"


def project_root() -> Path:
    """Return the project's folder. It is the first of these that applies:

    1. the folder in `DAYBOOK_PROJECT`,
    2. the nearest folder with `daybook.yaml`, or with `[tool.daybook]` in its `pyproject.toml`, from the working
       directory upward. A worker runs a flow in the folder of the deployment's pull step, so a run finds its project,
    3. the nearest folder with a folder `tables`, from the working directory upward,
    4. the checkout that this package runs from,
    5. the working directory, so that an error about a missing table file names the expected path.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).resolve()
    here = Path.cwd()
    upward = (here, *here.parents)
    return (
        next((folder for folder in upward if is_project(folder)), None)
        or next((folder for folder in upward if (folder / "tables").is_dir()), None)
        or checkout()
        or here
    )


def is_project(folder: Path) -> bool:
    """Return True if `folder` has `daybook.yaml`, or `[tool.daybook]` in its `pyproject.toml`."""
    if (folder / PROJECT_FILE).is_file():
        return True
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return bool(_TABLE_OF_PYPROJECT.search(text))


def tables_folder() -> Path:
    """Return the folder of the project's table files."""
    return project_root() / "tables"


def checkout() -> Path | None:
    """Return the checkout that this package runs from, or None if it is installed from a wheel.

    A checkout has `flows/` next to the package, and a wheel has it inside the package.
    """
    package = Path(__file__).resolve().parent
    return None if (package / "flows").is_dir() else package.parent
