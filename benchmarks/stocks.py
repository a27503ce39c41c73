"""Compare Daybook with `yf.download` and `to_sql`, for 500 symbols × 5 years: memory, requests, seconds.

`python -m benchmarks.stocks` writes benchmarks/stocks.md. Yahoo is the tests' small server on this machine, so that the
network does not matter. Each run is a separate process.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import warehouse
from benchmarks.machine import machine
from benchmarks.meter import Leg, Meter
from tests.support.servers.postgres import running_postgres
from tests.support.servers.yahoo import Share, Yahoo, running_yahoo, share

FIRST, END = date(2021, 1, 4), date(2026, 1, 5)
SIZES = (50, 500)
MOST_ABOVE = 1.25  # the memory of the larger run, as a multiple of the smaller one's: it must not grow with the symbols
RESULTS = Path(__file__).with_name("stocks.md")


@dataclass(frozen=True)
class Job:
    """The job of a process: load the first `symbols` symbols, from FIRST until END, into the warehouse at `url`."""

    way: str
    symbols: int
    url: str
    folder: str


@dataclass(frozen=True)
class Result:
    """The cost of a run. `peak` is the highest memory of the process, and `own` that before the load, in bytes."""

    way: str
    symbols: int
    leg: Leg
    own: int
    rows: int
    requests: int

    @property
    def peak(self) -> int:
        return self.own + (self.leg.peak or 0)


def name(number: int) -> str:
    """Return the symbol with this number."""
    return f"S{number:03}"


def daybook(job: Job) -> None:
    """Extract, transform and load as the flow does, without Prefect."""
    from sqlalchemy import create_engine

    from daybook.definitions.symbols import only
    from daybook.definitions.table_files import read_table
    from daybook.load.extraction.extract import extract
    from daybook.load.load import load
    from daybook.load.planning.plan import plan
    from daybook.load.transform import transform
    from daybook.stage.folder import FolderStage
    from daybook.warehouses.registry import open_warehouse

    table = only(read_table("raw_data.stock_info"), [name(number) for number in range(job.symbols)], keep=False)
    target, stage = open_warehouse(create_engine(job.url)), FolderStage(Path(job.folder) / "stage")
    planned = plan(table, FIRST, END, allow_before_start=True)
    load(transform(extract(planned, None, target, stage), stage), target, stage)  # type: ignore[arg-type]


def download(job: Job) -> None:
    """Load as people do by hand: one data frame with everything, stacked, and to_sql."""
    import yfinance
    from sqlalchemy import create_engine

    yfinance.set_tz_cache_location(job.folder)
    symbols = [name(number) for number in range(job.symbols)]
    frame = yfinance.download(symbols, start=FIRST, end=END, auto_adjust=True, progress=False)
    rows = frame.stack(level="Ticker").reset_index()
    rows.columns = [column.lower() for column in rows.columns]
    engine = create_engine(job.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS raw_data")
        rows.to_sql("stock_info", connection, schema="raw_data", if_exists="append", index=False, chunksize=10_000)


WAYS: dict[str, Callable[[Job], None]] = {"Daybook": daybook, "yf.download, to_sql": download}


def measured(way: str, symbols: int, url: str, yahoo: Yahoo) -> Result:
    """Run one way in a separate process, into an empty warehouse. Exit if it fails or rows are missing."""
    warehouse.run(url, "DROP SCHEMA IF EXISTS raw_data, daybook CASCADE")
    yahoo.requests.clear()
    with tempfile.TemporaryDirectory() as folder:
        job = json.dumps(asdict(Job(way, symbols, url, folder)))
        command = [sys.executable, "-m", "benchmarks.stocks", "--job"]
        done = subprocess.run(command, input=job, stdout=subprocess.PIPE, text=True, env=os.environ | yahoo.environment)
    if done.returncode != 0:
        raise SystemExit(f"{way}, {symbols} symbols: the run failed; its error is above")
    cost = json.loads(done.stdout)
    ((rows,),) = warehouse.run(url, "SELECT count(*) FROM raw_data.stock_info")
    expected = sum(len(yahoo.shares[name(number)].bars) for number in range(symbols))
    if rows != expected:
        raise SystemExit(f"{way}, {symbols} symbols: {rows} rows were loaded, but Yahoo has {expected}")
    return Result(way, symbols, Leg(**cost["leg"]), cost["own"], rows, len(yahoo.requests))


def run_job() -> None:
    """Do the job from standard input in this process, and write its cost to standard output."""
    logging.disable(logging.WARNING)
    job = Job(**json.load(sys.stdin))
    import exchange_calendars  # noqa: F401  both ways have these in memory before the load
    import yfinance  # noqa: F401

    meter = Meter()
    with meter.leg("all"):
        WAYS[job.way](job)
    print(json.dumps({"leg": asdict(meter.legs[0]), "own": meter.own}))


def report(results: list[Result]) -> str:
    """Return the page."""
    ours = {result.symbols: result for result in results if result.way == "Daybook"}
    few, many = (ours[size] for size in SIZES)
    growth = many.peak / few.peak
    met = "met" if growth <= MOST_ABOVE and many.requests == many.symbols + 2 else "**missed**"
    lines = [
        "# Stock prices: 500 symbols × 5 years in one run",
        "",
        f"- `python -m benchmarks.stocks`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- {machine()}; load average {os.getloadavg()[0]:.1f} at the end",
        f"- yfinance {version('yfinance')}, pandas {version('pandas')}; Yahoo is the tests' small server, over TLS "
        "on this machine, and shares its cores",
        "",
        f"Target: one request a symbol and two for the cookies; at most {MOST_ABOVE} × the memory for ten times the "
        f"symbols: {many.requests} requests, {growth:.2f} × ({met}).",
        "",
        "| way | symbols | rows | HTTP requests | seconds | CPU s | peak MB | before the load |",
        "|:--|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        lines.append(
            f"| {result.way} | {result.symbols} | {result.rows:,} | {result.requests} | {result.leg.seconds:.1f} "
            f"| {result.leg.cpu_seconds:.1f} | {result.peak / 2**20:.0f} | {result.own / 2**20:.0f} |"
        )
    lines += [
        "",
        "Daybook requests one symbol after the other, checks and stages its rows, and commits all rows together with "
        "a ledger row for each day. `yf.download` uses several threads, also requests each symbol's time zone, keeps "
        "everything in memory, and leaves a table without a key.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the page."""
    with running_yahoo() as yahoo, tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        made: Share = share(FIRST, END)
        yahoo.shares = {name(number): made for number in range(max(SIZES))}
        with running_postgres(Path(folder)) as postgres, postgres.database() as url:
            results = [measured(way, size, url, yahoo) for way in WAYS for size in SIZES]
    RESULTS.write_text(report(results), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run_job() if "--job" in sys.argv else main()
