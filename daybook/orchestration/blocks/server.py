"""Connect to the Prefect server, or raise an error that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from daybook.orchestration.blocks.errors import ServerUnreachable


@contextmanager
def server() -> Iterator[SyncPrefectClient]:
    """Yield a client of the server at PREFECT_API_URL, after the server has answered a first request.

    Raises:
        ServerUnreachable: no server answers, it refuses the key, or it stops answering within the `with` block.
    """
    address = PREFECT_API_URL.value()
    start = "start the server (`prefect server start`, or `make demo`)"
    if not address:
        # Prefect would start a temporary server for this command only, which no worker sees.
        raise ServerUnreachable(
            f"PREFECT_API_URL is not set: {start} and set it (http://127.0.0.1:4200/api for a local server)"
        )
    shown = address if "@" not in address else address.partition("://")[0] + "://***@" + address.rpartition("@")[2]
    try:
        with get_client(sync_client=True) as client:
            try:
                client.read_block_types()
            except ValueError:  # not an answer of Prefect, but a login page for example
                raise ServerUnreachable(
                    f"the server at PREFECT_API_URL={shown} is not a Prefect server: correct the address"
                ) from None
            yield client
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            remedy = "set PREFECT_API_AUTH_STRING (your own server) or PREFECT_API_KEY (Prefect Cloud)"
            raise ServerUnreachable(
                f"the Prefect server at PREFECT_API_URL={shown} refuses the request ({status}): {remedy}"
            ) from None
        # The text of the exception repeats the request, including secrets.
        raise ServerUnreachable(
            f"the server at PREFECT_API_URL={shown} answered {status} to {error.request.url.path}:"
            " is it a Prefect server, and does the address end in /api?"
        ) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ServerUnreachable(
            f"no Prefect server answers at PREFECT_API_URL={shown} ({error}): {start}, or correct the address"
        ) from None
