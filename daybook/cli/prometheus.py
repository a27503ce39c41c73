"""`daybook prometheus`: serve the state of every table to Prometheus, or write it to a file for its node exporter."""

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence

from daybook.errors import DaybookError

PORT = 9464
_DESCRIPTION = "Serve the state of every table to Prometheus, or write it to a file for Prometheus's node exporter."
_EXAMPLES = """\
examples:
  daybook prometheus --port 9464                                # serve http://127.0.0.1:9464/metrics
  daybook prometheus --once /var/lib/node_exporter/daybook.prom # write the file and exit

A scrape never fails. If the warehouse or the Prefect server cannot be reached, it returns `daybook_up 0`, and the log
has the reason.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "daybook prometheus") -> int | None:
    """Serve until the process ends, or write the file with --once. Return 1 if the file has `daybook_up 0`.

    Exit with the reason if the file cannot be written or the port is in use.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"the port to serve at; by default {PORT}")
    parser.add_argument(
        "--address", default="127.0.0.1", help="the address to serve at; 0.0.0.0 lets other machines scrape it"
    )
    parser.add_argument(
        "--cache",
        type=float,
        metavar="SECONDS",
        help="how long an answer is good; by default 30, and 3600 on Redshift Serverless, which bills every waking",
    )
    parser.add_argument("--once", metavar="FILE", help="write the metrics to FILE (….prom) and exit")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    from daybook.orchestration.server.require import announce_server

    with contextlib.suppress(DaybookError):  # an exporter starts without a server, too
        announce_server()
    from prometheus_client import start_http_server, write_to_textfile

    from daybook.orchestration.metrics.prometheus import Exporter, find_out, registry_of  # imports Prefect

    exporter = Exporter(find_out, given.cache)
    if given.once:
        try:
            write_to_textfile(given.once, registry_of(exporter))
        except OSError as error:
            sys.exit(f"{given.once} cannot be written: {error.strerror}")
        return None if exporter.answered else 1
    try:
        _, thread = start_http_server(given.port, given.address, registry_of(exporter))
    except OSError as error:
        sys.exit(f"cannot serve at {given.address}:{given.port}: {error.strerror}: choose another --port or --address")
    print(f"http://{given.address}:{given.port}/metrics", flush=True)
    thread.join()
    return None
