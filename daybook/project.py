"""The project: the folder that holds `tables/`, and with it the flows and the deployments of one company."""

import os
from pathlib import Path

#: Names the project's folder, where it is not the working directory or above it.
VARIABLE = "DAYBOOK_PROJECT"


def project_root() -> Path:
    """Return the project's folder.

    `DAYBOOK_PROJECT` names it. Otherwise it is the nearest folder with a folder `tables`, from the working directory
    upward, or the checkout that this package lies in. If there is none, it is the working directory, so that an error
    about a missing table file names the expected path.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).resolve()
    here, checkout = Path.cwd(), Path(__file__).resolve().parents[1]
    return next((folder for folder in (here, *here.parents, checkout) if (folder / "tables").is_dir()), here)
