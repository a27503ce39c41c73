"""The environment of every part of the local stack: the user's environment without its Prefect settings."""

import os
import sys
from pathlib import Path

from daybook.orchestration.local_stack.ports import ADDRESS


def api_url(port: int) -> str:
    """Return the address of the stack's Prefect API on `port`."""
    return f"http://{ADDRESS}:{port}/api"


def prefect_environment(home: Path, port: int) -> dict[str, str]:
    """Return the environment for the Prefect server of the stack in `home`, and for its clients.

    PREFECT_API_URL, the API key and the profile of the user's shell are removed. With them, the demo would run on the
    user's own server.
    """
    prefect_home = home / "prefect"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    programs = str(Path(sys.executable).parent)
    return own | {
        "PATH": os.pathsep.join([programs, *filter(None, [own.get("PATH")])]),  # `python` is this one
        "PREFECT_API_URL": api_url(port),
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_SERVER_API_HOST": ADDRESS,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{prefect_home / 'prefect.db'}",
        # No telemetry, neither from the server (where it also locks SQLite) nor from the client.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",  # 15 by default, which makes a demo wait
        "PYTHONUNBUFFERED": "1",
        # A worker keeps its files in $TMPDIR/runner_storage. In /tmp that folder belongs to the user who created it.
        "TMPDIR": str(home / "tmp"),
    }


def replace_environment(environment: dict[str, str]) -> None:
    """Replace this process's environment. Call this before the first import of Prefect, which reads it then."""
    os.environ.clear()
    os.environ.update(environment)
