"""Create a PostgreSQL cluster, which is the data folder that initdb fills. It is created completely or not at all."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.postgres.os_account import Account


def make_cluster(
    account: Account, programs: Path, data: Path, user: str, password: str, options: Sequence[str], log: Path
) -> None:
    """Create the cluster `data` with the initdb of `programs`, as `account`, with `user` as its superuser.

    initdb works in another folder, which is renamed at the end. So a killed run never leaves an incomplete cluster at
    `data`, and the next run removes its folder.

    Raises:
        StackError: initdb failed. Its output is in `log`.
    """
    making, secret = data.with_name("data-new"), data.with_name("password-new")
    shutil.rmtree(making, ignore_errors=True)
    secret.unlink(missing_ok=True)
    making.mkdir(mode=0o700)
    account.give(making)
    try:
        secret.touch(mode=0o600)
        secret.write_text(password + "\n", encoding="utf-8")
        account.give(secret)
        initdb = account.run(
            programs / "initdb", f"--pgdata={making}", f"--username={user}", f"--pwfile={secret}", *options
        )
    except OSError as error:
        raise StackError(f"The account {account.name!r} cannot run {programs / 'initdb'}: {error}") from error
    finally:
        secret.unlink(missing_ok=True)
    if initdb.returncode != 0:
        log.write_text(initdb.stdout + initdb.stderr, encoding="utf-8")
        lines = [line for line in initdb.stderr.splitlines() if line.strip()] or ["it gave no reason"]
        raise StackError(f"PostgreSQL could not create its data folder: {lines[0]} (log: {log})")
    making.rename(data)
