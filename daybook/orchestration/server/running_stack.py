"""Find the Prefect server of the project's local stack, if it is running."""

import json
from pathlib import Path

from daybook.errors import ExtraMissing
from daybook.extras import extra
from daybook.project import project_root

#: The environment variables that mark a process of the local stack: its folder, and the part that it is.
HOME_MARK = "DAYBOOK_STACK_HOME"
PART_MARK = "DAYBOOK_STACK_PART"


def local_stack_url() -> str | None:
    """Return the API URL of the project's local stack, or None if its server is not running."""
    home = project_root() / ".daybook"
    try:
        port = json.loads((home / "ports.json").read_text(encoding="utf-8"))["ui"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return f"http://127.0.0.1:{port}/api" if _server_runs(home) else None


def _server_runs(home: Path) -> bool:
    # By its mark: after a stop, another program may listen on the port.
    try:
        with extra("demo"):
            import psutil
    except ExtraMissing:  # the extra `demo`, without which nobody has started a stack
        return False
    environments = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    return any(one.get(HOME_MARK) == str(home) and one.get(PART_MARK) == "server" for one in environments)
