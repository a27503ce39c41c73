"""`daybook verify-redshift`: check that a Redshift cluster behaves as Daybook expects, and leave nothing behind."""

import argparse
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from daybook.cli.exits import exit_with_reason
from daybook.errors import WarehouseError

if TYPE_CHECKING:
    from daybook.verify.matrix import Findings, Outcome
    from daybook.verify.registry import Check
    from daybook.verify.workbench import Workbench

_ROWS = 100_000_000
_CANCEL_AGAIN = 1.0  # seconds
#: Options, with the environment variables that have their defaults.
_ADDRESSES = (
    ("warehouse", "DAYBOOK_WAREHOUSE_URL", "the URL of the cluster"),
    ("role", "DAYBOOK_COPY_IAM_ROLE", "the role of COPY: its ARN, default or access_keys"),
    ("stage", "DAYBOOK_STAGE_URL", "the bucket and the prefix for staged rows, s3://BUCKET/PREFIX"),
)
_DESCRIPTION = "Check that a Redshift cluster behaves as Daybook expects, print a report, and leave nothing behind."
_EXAMPLES = """\
examples:
  daybook verify-redshift --output report.md                    # all checks
  daybook verify-redshift --rows 1000000                        # with fewer generated rows
  daybook verify-redshift --only types --only 'strategies: upsert'

The access to S3 is that of boto3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, a profile,
or the role of the machine. No Prefect server is needed.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "daybook verify-redshift") -> int:
    """Run the checks. Return 0 if all are as expected, and 1 if one failed, or something is left behind."""
    parser = _parser(prog)
    given = parser.parse_args(arguments)
    from daybook.verify import registry
    from daybook.verify.verify_report import as_json, headline, markdown

    try:
        checks = registry.chosen(given.only)
    except registry.UnknownCheck as error:
        parser.error(str(error))
    if given.list:
        print("\n".join(f"{one.name}: {one.expects or 'measured'}" for one in checks))
        return 0
    try:
        with _sigterm_as_interrupt(), exit_with_reason("the cluster or the source"), _source(given.source) as source:
            findings = _run(_opened(given, source), checks)
    except KeyboardInterrupt:
        sys.exit("interrupted before the first check: nothing is left behind")
    text = as_json(findings) if given.json else markdown(findings)
    if given.output:
        Path(given.output).write_text(text, encoding="utf-8")
        print(f"{headline(findings)}: {given.output}", file=sys.stderr)
    else:
        print(text)
    return 0 if findings.good else 1


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for option, variable, what in _ADDRESSES:
        parser.add_argument(f"--{option}", help=f"{what}; by default that of {variable}")
    parser.add_argument(
        "--source", metavar="URL", help="a PostgreSQL to load from; by default a private one, from the extra `demo`"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="run only the checks that begin with NAME"
    )
    parser.add_argument(
        "--rows", type=int, default=_ROWS, help=f"generated rows for the timing of an upsert; {_ROWS:,} by default"
    )
    parser.add_argument("--list", action="store_true", help="list the checks, and run none")
    parser.add_argument("--json", action="store_true", help="write the report as JSON instead of Markdown")
    parser.add_argument("--output", metavar="FILE", help="write the report to FILE instead of the terminal")
    return parser


def _run(bench: "Workbench", checks: "Sequence[Check]") -> "Findings":
    """Run the checks in a thread of their own, so that a signal can end a statement that runs for an hour.

    A signal ends the checks, and never the removal of what they have made.
    """
    from daybook.verify.matrix import run
    from daybook.verify.verify_report import line

    secrets = [url.password for url in (bench.cluster.url, bench.source.url) if url.password]
    if keys := bench.stage.access_keys():
        secrets += [part for part in (keys.id, keys.secret, keys.token) if part]

    def show(outcome: "Outcome") -> None:
        print(line(outcome), file=sys.stderr, flush=True)

    interrupted = False
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, bench, checks, show, secrets)
        while True:
            try:
                if wait([running], timeout=_CANCEL_AGAIN if interrupted else None).done:
                    return running.result()
            except KeyboardInterrupt:
                print(f"interrupted: removing what the checks have made ({bench.schema})", file=sys.stderr)
                interrupted = True
            bench.recorder.stop()  # again: a statement on its way to the cluster misses the request


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C while the block runs."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _source(url: str | None) -> Iterator[str]:
    """Yield the URL of the source: `url`, or that of a private PostgreSQL, which is deleted at the end."""
    if url:
        yield url
        return
    from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres

    haste = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    with tempfile.TemporaryDirectory(prefix="daybook-verify-") as home:
        server = EmbeddedPostgres(Path(home), _free_port(), password=os.urandom(12).hex(), settings=haste)
        try:
            server.start()
            yield server.url()
        finally:
            server.destroy()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _opened(given: argparse.Namespace, source: str) -> "Workbench":
    """Return the opened cluster, stage and source.

    Raises:
        WarehouseError: an address is missing or wrong.
    """
    from daybook.orchestration.blocks import address_validation, database_url
    from daybook.orchestration.blocks.errors import BadValue
    from daybook.verify.opening import open_workbench
    from daybook.warehouses.registry import find_warehouse

    texts = {option: getattr(given, option) or os.environ.get(variable, "") for option, variable, _ in _ADDRESSES}
    for option, variable, _ in _ADDRESSES:
        if not texts[option]:
            raise WarehouseError(f"--{option} is missing: pass it, or set {variable}")
    place = re.fullmatch(r"s3://([A-Za-z0-9._-]{3,255})(?:/(.*))?", texts["stage"])
    if place is None:
        raise WarehouseError("--stage is not on S3, and Redshift loads from S3 only: write s3://BUCKET/PREFIX")
    kind, option = find_warehouse("redshift"), "warehouse"
    try:
        url, _ = database_url.read(texts[option], kind.urls)
        kind.check_url(url)
        option = "role"
        role = address_validation.copy_iam_role(texts[option])
    except (BadValue, WarehouseError) as error:
        raise WarehouseError(f"--{option} {error}") from None
    prefix = (place[2] or "").strip("/")
    return open_workbench(cluster=url, role=role, bucket=place[1], prefix=prefix, source=source, rows=given.rows)
