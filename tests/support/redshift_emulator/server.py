"""A strict local Redshift: `python -m tests.support.redshift_emulator.server --help`.

It starts a private PostgreSQL, accepts clients in front of it, and prints READY with its port. SIGTERM stops both and
deletes their data. SIGUSR1 crashes the PostgreSQL and restarts it, like a restart of a cluster.
"""

import argparse
import os
import secrets
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from tests.support.redshift_emulator.connection import BACKEND_USER, ISOLATION, VERSION, Connection
from tests.support.redshift_emulator.errors import ConnectionLost
from tests.support.redshift_emulator.estate import Estate
from tests.support.redshift_emulator.faults import Faults
from tests.support.redshift_emulator.lexer import literal
from tests.support.redshift_emulator.session import Session
from tests.support.redshift_emulator.settings import Settings
from tests.support.redshift_emulator.wire import HOST, Backend
from tests.support.servers.ports import free_port

CATALOGS = [Path(__file__).with_name(name) for name in ("catalog.sql", "layouts.sql")]
POSTGRES_SETTINGS = {
    "fsync": "off",
    "max_connections": "200",
    "track_commit_timestamp": "on",  # tells which tables were dropped during a statement
    "log_min_messages": "panic",  # the errors are provoked by tests, and the clients see them
    "log_min_error_statement": "panic",
}


def _filled_in(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("@VERSION@", VERSION).replace("@USER@", BACKEND_USER)


def make_catalog(postgres: EmbeddedPostgres, database: str) -> None:
    """Create Redshift's catalog for every database of the new PostgreSQL, and create `database`."""
    template = Backend(postgres.port, postgres.user, postgres.password, "template1")
    for sql in (
        f"CREATE ROLE {BACKEND_USER} LOGIN CREATEDB CREATEROLE PASSWORD {literal(postgres.password)}",
        *(_filled_in(path) for path in CATALOGS),
        f'CREATE DATABASE "{database}" OWNER {BACKEND_USER}',
    ):
        if error := template.query(sql)[1]:
            sys.exit(f"the emulator's catalog could not be created: {error}")
    template.close()


def crash(postgres: EmbeddedPostgres) -> None:
    """Crash PostgreSQL, and restart it."""
    if pid := postgres.pid():
        os.kill(pid, signal.SIGQUIT)
        while postgres.running():
            time.sleep(0.01)
    postgres.start()


def handle(client: socket.socket, settings: Settings, faults: Faults) -> None:
    """Serve one client until it disconnects or a fault disconnects it."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = Connection(client, settings)
    try:
        if connection.open():
            Session(connection, faults).serve()
    except (OSError, ConnectionLost):
        pass  # the client disconnected, PostgreSQL crashed, or a fault rule applied
    except Exception:
        traceback.print_exc()
    finally:
        connection.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder for PostgreSQL's data, removed at the end")
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free port, printed after READY")
    parser.add_argument("--programs", type=Path, help="folder of PostgreSQL's programs (default: the wheel's)")
    parser.add_argument("--database", default="dev", help="database to create")
    parser.add_argument("--password", help="require this password from every client (default: no password)")
    parser.add_argument("--s3-endpoint", help="URL of the S3 that COPY reads (default: boto3's own)")
    parser.add_argument("--s3-access-key", help="the only access key that COPY accepts (default: any)")
    parser.add_argument("--s3-secret-key")
    parser.add_argument("--isolation", choices=list(ISOLATION), default="snapshot", help="default: %(default)s")
    parser.add_argument("--faults", type=Path, help="JSON file with rules of faults; see the README")
    parser.add_argument("--estate", type=Path, help="JSON file with users, buckets, the network; see estate.py")
    parser.add_argument("--log", type=Path, help="append every statement to this file, one JSON object per line")
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    given = arguments()
    postgres = EmbeddedPostgres(
        given.home,
        free_port(),
        password=secrets.token_urlsafe(),
        user="rsadmin",
        settings=POSTGRES_SETTINGS,
        authentication="password",  # the only method that the emulator supports; it never leaves the loopback interface
        programs=given.programs,
    )
    settings = Settings(
        postgres_port=postgres.port,
        postgres_password=postgres.password,
        postgres_superuser=postgres.user,
        database=given.database,
        client_password=given.password,
        s3_endpoint=given.s3_endpoint,
        s3_access_key=given.s3_access_key,
        s3_secret_key=given.s3_secret_key,
        isolation=given.isolation,
        faults=given.faults,
        estate=Estate(given.estate),
        log=given.log,
    )
    faults = Faults(settings.faults)
    try:
        postgres.start()
        make_catalog(postgres, given.database)
        signal.signal(signal.SIGUSR1, lambda *_: crash(postgres))
        with socket.create_server((HOST, given.port), backlog=100) as listener:
            print(f"READY host={HOST} port={listener.getsockname()[1]} database={given.database}", flush=True)
            while True:
                client, _ = listener.accept()
                threading.Thread(target=handle, args=(client, settings, faults), daemon=True).start()
    except StackError as error:
        sys.exit(str(error))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
        postgres.destroy()


if __name__ == "__main__":
    main()
