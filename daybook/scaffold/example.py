"""The example project, which `daybook demo` runs: the root of a checkout. A wheel has a copy of its files."""

import re
import shutil
from pathlib import Path

from daybook.project import checkout

#: What `only_files` copies. A checkout has much more.
_FILES = ("daybook.yaml", "prefect.yaml", "tables", "tests/tables/analytics", "deployments/automations.yaml")
_ENTRYPOINT = re.compile(r"^(\s+entrypoint: )flows/(\w+)\.py:", re.MULTILINE)


def example_folder() -> Path:
    """Return the folder of the example project."""
    return checkout() or Path(__file__).with_name("example")


def copy_example(folder: Path) -> Path:
    """Copy the example project into `folder`, unless it is there, and return `folder`.

    The copy needs no folder `flows`: its deployments name the flows of the package.
    """
    if (folder / "prefect.yaml").exists():
        return folder
    for name in _FILES:
        source, target = example_folder() / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    text = (folder / "prefect.yaml").read_text(encoding="utf-8")
    (folder / "prefect.yaml").write_text(_ENTRYPOINT.sub(r"\1daybook.flows.\2:", text), encoding="utf-8")
    return folder
