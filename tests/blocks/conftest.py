"""`python -m blocks`, run as a user runs it, against the session's Prefect server."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

ROOT = Path(__file__).parents[2]

RunBlocks = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_blocks(prefect_server: str) -> RunBlocks:
    """Runs `python -m blocks` in an environment that holds the given variables and nothing else that it reads.

    Every block is deleted before the test.
    """
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents(offset=0, limit=200):
            client.delete_block_document(document.id)

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PREFECT_HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "blocks"],
            cwd=ROOT,
            env=kept | {"PREFECT_API_URL": prefect_server} | variables,
            capture_output=True,
            text=True,
        )

    return run
