"""Say which Prefect server a command uses, and refuse to run without one. Nothing starts a hidden server.

Without PREFECT_API_URL, Prefect starts a temporary server with a database in the home directory. It has no block of
yours, no worker sees it, and it takes half a minute. A command checks this before it imports Prefect.
"""

import os
import sys
from collections.abc import Sequence

import httpx

from daybook.orchestration.server.address import VARIABLE, ServerAddress, find_address
from daybook.orchestration.server.errors import ServerUnreachable
from daybook.orchestration.server.programs import program
from daybook.orchestration.server.running_stack import local_stack_url

CONNECT = 2.0  # seconds until a server must have accepted a connection
SLOW = 2.5  # seconds after which the command says that it still waits for the answer
PATIENCE = 20.0  # seconds until a server must have answered; a busy one may take several
EXAMPLE = "https://prefect.example.com/api"

_announced: set[str | None] = set()  # by URL: later calls find the stack's URL in the environment
_answered: set[str] = set()  # a command checks its server before and after it imports Prefect


def announce_server() -> ServerAddress:
    """Print which server this process uses and why, once, and return it.

    If none is named and the project's local stack is running, use the stack's server for this process and its children.

    Raises:
        ServerUnreachable: no server is named.
    """
    address = find_address()
    if not address.url and not address.temporary:
        if not (url := local_stack_url()):
            raise ServerUnreachable(not_named())
        os.environ[VARIABLE] = url
        _refresh_prefect()
        address = ServerAddress(url, f"the local stack of this project: {VARIABLE} is not set")
    line = (
        f"Prefect server: {address.shown} ({described(address)})"
        if address.url
        else f"Prefect server: a temporary one, for this process alone (allowed in {address.source})"
    )
    if address.url not in _announced:
        _announced.add(address.url)
        print(line, file=sys.stderr, flush=True)
    return address


def described(address: ServerAddress) -> str:
    """Return where the address is set, with the name of the variable."""
    return address.source if VARIABLE in address.source else f"{VARIABLE} from {address.source}"


def require_server() -> None:
    """Print which server this process uses and why, and check that it answers.

    Raises:
        ServerUnreachable: no server is named, or it does not answer. The message says how to name another one.
    """
    address = announce_server()
    if address.url and address.url not in _answered:
        _check_answers(address)
        _answered.add(address.url)


def check_command(words: Sequence[str]) -> None:
    """Check the server of the command line `words` if it is `python -m flows.FLOW`. Exit with 1 if there is none.

    The monitor and the exporter are left out: they report that the server is down.
    """
    module = words[words.index("-m") + 1].removeprefix("daybook.") if "-m" in words[:-1] else ""
    reports_itself = module in ("flows.monitor", "flows.prometheus")
    if not module.startswith("flows.") or reports_itself or {"-h", "--help"}.intersection(words):
        return
    try:
        require_server()
    except ServerUnreachable as error:
        sys.exit(f"{type(error).__name__}: {error}")


def not_named() -> str:
    """Return the message for a process that names no server: what was read, and how to name one."""
    stack = local_stack_url()
    start = (
        f"The local stack of this project is running: export {VARIABLE}={stack}"
        if stack
        else (f"Name yours: export {VARIABLE}={EXAMPLE}. To start one on this machine: {program('daybook')} stack up")
    )
    return (
        f"{VARIABLE} is not set, so no Prefect server is named: neither the environment nor .env, prefect.toml, "
        f"pyproject.toml or the active profile of Prefect has it. {start}"
    )


def unreachable(address: ServerAddress, reason: object) -> ServerUnreachable:
    """Return the error for a server that does not answer."""
    return ServerUnreachable(
        f"no Prefect server answers at {VARIABLE}={address.shown} (from {address.source}): {reason}. Start it "
        f"(for the local stack: {program('daybook')} stack up), or name another one: export {VARIABLE}={EXAMPLE}"
    )


def _check_answers(address: ServerAddress) -> None:
    """Check that anything answers by HTTP. Credentials, certificates and the API itself are left to Prefect's client.

    Says after 2.5 s that it still waits: a busy server is slow, and that is no reason to refuse a load.
    """
    assert address.url
    limits = httpx.Timeout(SLOW, connect=CONNECT)
    for patience in (SLOW, PATIENCE - SLOW):
        limits.read = patience
        try:
            with httpx.Client(timeout=limits, verify=False) as client:  # nothing secret is sent
                client.get(f"{address.url.rstrip('/')}/health")
            return
        except (httpx.ReadTimeout, httpx.RemoteProtocolError) as error:
            if patience != SLOW:
                raise unreachable(address, f"no answer within {PATIENCE:.0f} s") from error
            print(
                f"The Prefect server has not answered for {SLOW} s. Waiting up to {PATIENCE:.0f} s. To use another "
                f"one: export {VARIABLE}={EXAMPLE}",
                file=sys.stderr,
                flush=True,
            )
        except httpx.ConnectTimeout:
            raise unreachable(address, f"no connection within {CONNECT:.0f} s") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise unreachable(address, error) from None


def _refresh_prefect() -> None:
    """Let Prefect read the environment again, if it is imported."""
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
