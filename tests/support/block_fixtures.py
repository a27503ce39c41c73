"""Fixtures that run `python -m blocks` against the session's Prefect server."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RunBlocks = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def no_blocks(prefect_server: str) -> Iterator[None]:
    """Delete every block before and after the test: a channel must not get the messages of other tests."""
    _delete_blocks()
    yield
    _delete_blocks()


def _delete_blocks() -> None:
    from prefect.client.orchestration import get_client  # Prefect takes seconds to import

    with get_client(sync_client=True) as client:
        for document in client.read_block_documents(offset=0, limit=200):
            client.delete_block_document(document.id)


@pytest.fixture
def blocks_command(prefect_server: str, no_blocks: None) -> RunBlocks:
    """Return a function that runs `python -m blocks` with the given variables, and no others that it reads."""

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


@pytest.fixture
def run_blocks(no_blocks: None) -> RunBlocks:
    """Return a function that runs the command in this process: starting another one takes much longer."""

    from blocks.__main__ import main

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(ROOT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(variables)
        return subprocess.CompletedProcess(["blocks"], code, out.getvalue(), err.getvalue())

    return run
