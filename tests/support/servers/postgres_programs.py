"""Make the programs of the system's PostgreSQL runnable for the account of the server, wherever they are unpacked."""

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.orchestration.local_stack.postgres.os_account import server_account
from tests.support.servers import debian_packages
from tests.support.servers.install import COMMAND, find_postgres
from tests.support.servers.processes import remove

#: The programs that EmbeddedPostgres starts. They find the other ones in their own folder.
STARTED = ("initdb", "pg_ctl", "postgres")
#: The folders that a server needs.
NEEDED = ("lib", "usr/lib", "usr/share/postgresql")
#: The files in them that only just-in-time compilation needs.
COMPILER = shutil.ignore_patterns("libLLVM*", "libclang*", "llvmjit*", "bitcode")


@contextlib.contextmanager
def runnable_programs() -> Iterator[Path]:
    """Yield the folder of the programs. If they are unpacked, it has scripts that set the path of the libraries."""
    programs = find_postgres()
    if programs is None:
        pytest.fail(
            f"PostgreSQL is not installed, and these tests run on the real server. Install it: {COMMAND}", False
        )
    if not programs.is_relative_to(debian_packages.UNPACKED):
        yield programs
        return
    folder = Path(tempfile.mkdtemp(prefix="daybook-postgresql-"))
    try:
        folder.chmod(0o755)
        yield _scripts(programs, folder)
    finally:
        remove(folder)


def _scripts(programs: Path, folder: Path) -> Path:
    """Create the scripts below `folder`, and copy what they run if the server's account cannot reach it."""
    unpacked = debian_packages.UNPACKED
    root = unpacked
    if not server_account().can_enter(unpacked):
        root = folder / "unpacked"
        for name in NEEDED:
            if (unpacked / name).exists():
                shutil.copytree(unpacked / name, root / name, symlinks=True, ignore=COMPILER)
    libraries = ":".join(str(root / path.relative_to(unpacked)) for path in debian_packages.library_folders())
    scripts = folder / "bin"
    scripts.mkdir()
    for name in STARTED:
        script = scripts / name
        program = root / programs.relative_to(unpacked) / name
        command = f"LD_LIBRARY_PATH={shlex.quote(libraries)} exec {shlex.quote(str(program))}"
        script.write_text(f'#!/bin/sh\n{command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return scripts
