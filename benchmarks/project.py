"""A Daybook project and a Prefect server: what a user has who types `daybook load`."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.servers import Addresses
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.stack import UI_PORT, LocalStack
from tests.support.declared_blocks import make_blocks
from tests.support.servers.ports import free_port

CHECKOUT = Path(__file__).parents[1]


@dataclass
class Project:
    """A folder with table files, and a running Prefect server with the blocks that its flows read."""

    stack: LocalStack
    addresses: Addresses
    _blocks: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of `daybook load`."""
        return self.stack.environment | {"PYTHONPATH": str(CHECKOUT), "DAYBOOK_PROJECT": str(self.stack.root)}

    @property
    def server(self) -> list[psutil.Process]:
        """Return the process of the Prefect server."""
        process = self.stack.server.process()
        return [process] if process else []

    def command(self, table: str, *arguments: str) -> list[str]:
        """Return the command that loads a table."""
        return [sys.executable, "-m", "daybook", "load", table, *arguments]

    def use(self, source: str, stage: str) -> None:
        """Save the blocks of this source, and of the stage "folder" or "s3"."""
        s3 = self.addresses.s3
        keys = {
            "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key,
            "AWS_REGION": s3.region,
            "AWS_ENDPOINT_URL": s3.endpoint,
        }
        blocks = {
            "DAYBOOK_PRODUCTION_URL": source,
            "DAYBOOK_WAREHOUSE_URL": self.addresses.warehouse,
            "DAYBOOK_STAGE_URL": s3.url if stage == "s3" else str(Path(self.addresses.folder) / "stage"),
            **(keys if stage == "s3" else {}),
        }
        if blocks != self._blocks:
            from prefect.settings import PREFECT_API_URL, temporary_settings

            with temporary_settings({PREFECT_API_URL: api_url(self.stack.ui_port)}):
                make_blocks(blocks)
            self._blocks = blocks

    def flow_seconds(self, since: datetime) -> float | None:
        """Return the seconds of the newest completed flow run that started after `since`, or None."""
        completed = {"state": {"type": {"any_": ["COMPLETED"]}}, "start_time": {"after_": since.isoformat()}}
        newest = {"sort": "START_TIME_DESC", "limit": 1, "flow_runs": completed}
        found = httpx.post(f"{api_url(self.stack.ui_port)}/flow_runs/filter", json=newest, timeout=30, trust_env=False)
        return float(found.raise_for_status().json()[0]["total_run_time"]) if found.json() else None


@contextlib.contextmanager
def running_project(addresses: Addresses, tables: Mapping[str, Mapping[str, Any]]) -> Iterator[Project]:
    """Write a project with these table files, by the tables' names, and run its Prefect server until the block ends."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-bench-")))
        (folder / "daybook.yaml").write_text("name: benchmarks\n", encoding="utf-8")
        for name, content in tables.items():
            file = folder / "tables" / f"{name.replace('.', '/')}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML, too
        os.environ[UI_PORT] = str(free_port())
        local = LocalStack(folder)
        stack.callback(local.stop)
        local.start_server()
        local.wait_for_server()
        yield Project(local, addresses)
