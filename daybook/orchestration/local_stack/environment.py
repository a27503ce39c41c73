"""The environment that every part of the local stack sees: the user's own, without any Prefect setting of theirs."""

import os
import sys
from pathlib import Path

from daybook.orchestration.local_stack.ports import ADDRESS


def api_url(port: int) -> str:
    """The address of the stack's Prefect API, on `port`."""
    return f"http://{ADDRESS}:{port}/api"


def prefect_environment(home: Path, port: int) -> dict[str, str]:
    """The variables for everything that talks to, or is, the Prefect server of the stack in `home`.

    A PREFECT_API_URL, key or profile of the user's shell must not reach it: the demo would run on their server.
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
        # Nothing is sent anywhere: the server's telemetry (which also locks SQLite) and the client's.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",  # 15 by default: a demo should not be seen waiting
        "PYTHONUNBUFFERED": "1",
        # A worker keeps its files in /tmp/runner_storage, which belongs to whichever user ran the first one.
        "TMPDIR": str(home / "tmp"),
    }


def replace_environment(environment: dict[str, str]) -> None:
    """Make `environment` this process's own. Prefect reads it when it is first imported: call this before that."""
    os.environ.clear()
    os.environ.update(environment)
