"""The environment of every part of the local stack: the user's environment without its Prefect settings."""

import os
import sys
from pathlib import Path

from daybook.orchestration.local_stack.ports import ADDRESS
from daybook.project import TARGET, VARIABLE

#: These name another project and another environment. Each part finds its project from its working directory.
_OTHER_PROJECTS = {VARIABLE, TARGET}
#: Prefect's settings, and libpq's: PGHOSTADDR would send every connection to another server.
_OTHER_SERVERS = ("PREFECT_", "PG")


def api_url(port: int) -> str:
    """Return the address of the stack's Prefect API on `port`."""
    return f"http://{ADDRESS}:{port}/api"


def prefect_environment(home: Path, port: int) -> dict[str, str]:
    """Return the environment for the Prefect server of the stack in `home`, and for its clients.

    PREFECT_API_URL, the API key and the profile of the user's shell are removed, and the variables of PostgreSQL's
    clients. With them, the demo would run on the user's own servers. A proxy is bypassed for this machine.
    """
    prefect_home = home / "prefect"
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHER_SERVERS) and name not in _OTHER_PROJECTS
    }
    programs = str(Path(sys.executable).parent)
    direct = ",".join(filter(None, [own.get("no_proxy") or own.get("NO_PROXY"), ADDRESS, "localhost"]))
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
        # Whether the types of blocks have changed: to find out takes the server longer than to register them again
        "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",  # 15 by default, which makes a demo wait
        # The server does not use these tokens, and server and clients have the same version: two requests less a client
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
        # Only the package tzdata: for every cron schedule that Prefect reads, it would search the system's folders of
        # zones, which took the server a third of its time
        "PYTHONTZPATH": "",
        # A worker keeps its files in $TMPDIR/runner_storage. In /tmp that folder belongs to the user who created it.
        "TMPDIR": str(home / "tmp"),
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def replace_environment(environment: dict[str, str]) -> None:
    """Replace this process's environment. Call this before the first import of Prefect, which reads it then."""
    os.environ.clear()
    os.environ.update(environment)
