"""Find the project: the folder with `tables/` and with one company's flows and deployments."""

import os
from pathlib import Path

#: The variable with the project's folder. It is needed if the working directory is outside of the project.
VARIABLE = "DAYBOOK_PROJECT"


def project_root() -> Path:
    """Return the project's folder. It is the first of these that applies:

    1. the folder in `DAYBOOK_PROJECT`,
    2. the nearest folder with a folder `tables`, from the working directory upward,
    3. the checkout that this package runs from,
    4. the working directory, so that an error about a missing table file names the expected path.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "tables").is_dir()), checkout() or here)


def tables_folder() -> Path:
    """Return the folder of the project's table files."""
    return project_root() / "tables"


def checkout() -> Path | None:
    """Return the checkout that this package runs from, or None if it is installed from a wheel.

    A checkout has `flows/` next to the package, and a wheel has it inside the package.
    """
    package = Path(__file__).resolve().parent
    return None if (package / "flows").is_dir() else package.parent
