"""Connect to the Prefect server, or raise an error that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from daybook.orchestration.server.address import VARIABLE, ServerAddress, find_address
from daybook.orchestration.server.errors import ServerUnreachable
from daybook.orchestration.server.require import not_named, unreachable


def check_server_is_named() -> ServerAddress:
    """Return the server of Prefect's settings. Connects to nothing.

    Raises:
        ServerUnreachable: there is none, and the user has not allowed a temporary one.
    """
    named, url = find_address(), PREFECT_API_URL.value()
    if not url and not named.temporary:
        raise ServerUnreachable(not_named())
    return named if named.url == url else ServerAddress(url, "the settings of this process")


@contextmanager
def server() -> Iterator[SyncPrefectClient]:
    """Yield a client of the server at PREFECT_API_URL, after the server has answered a first request.

    Raises:
        ServerUnreachable: no server is named or answers, it refuses the key, or it stops answering within the `with`
            block.
    """
    address = check_server_is_named()
    named = f"{VARIABLE}={address.shown} (from {address.source})"
    try:
        with get_client(sync_client=True) as client:
            try:
                client.read_flows(limit=1)  # a small answer that needs the login, unlike /health
            except ValueError:  # not an answer of Prefect, but a login page for example
                raise ServerUnreachable(f"the server at {named} is not a Prefect server: correct the address") from None
            yield client
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            remedy = "set PREFECT_API_AUTH_STRING (your own server) or PREFECT_API_KEY (Prefect Cloud)"
            raise ServerUnreachable(f"the Prefect server at {named} refuses the request ({status}): {remedy}") from None
        # The text of the exception repeats the request, including secrets.
        raise ServerUnreachable(
            f"the server at {named} answered {status} to {error.request.url.path}: is it a Prefect server, and does "
            "the address end in /api?"
        ) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise unreachable(address, error) from None
