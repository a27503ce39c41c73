"""`daybook stage clean`: delete what old loads left on the stage."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from daybook.cli.exits import exit_with_reason
from daybook.cli.tables.asking import add_json, add_yes, agreed, check_json, printed
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.stage.base import ListableStage
from daybook.stage.cleanup import discard
from daybook.stage.leftovers import Leftover, leftovers

_DESCRIPTION = """\
Delete the parts that old loads left on the stage. A load deletes its parts after the commit; those of a failed load
stay for an investigation. Only prefixes of Daybook are deleted, and only if nothing was written to them since, and if
no flow run with their name is running.
"""
_LEAST = timedelta(days=1)


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook stage",
    ends: Ends | None = None,
    stage: Callable[[], ListableStage] | None = None,
) -> int:
    """Clean the stage, after a question. Return the exit code: 1 if some objects could not be deleted.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        ends: opens the Prefect server. None: that of PREFECT_API_URL.
        stage: opens the stage. None: that of the block.
    """
    parser = argparse.ArgumentParser(prog=prog, description="The stage: the storage between source and warehouse.")
    clean = parser.add_subparsers(dest="command", required=True).add_parser(
        "clean", help="delete what old loads left", description=_DESCRIPTION
    )
    clean.add_argument(
        "--older-than", type=age, default=timedelta(days=14), metavar="AGE", help="14d (the default), 36h; at least 1d"
    )
    add_yes(clean)
    add_json(clean)
    given = parser.parse_args(arguments)
    check_json(clean, given)
    with exit_with_reason("the stage"):
        with (ends or BlocksEnds()).server() as client:
            running = _running(client)
        opened = (stage or _stage)()
        found = leftovers(opened.objects(), datetime.now(UTC) - given.older_than, running)
        if printed(given, [_as_json(opened, one) for one in found]):
            return 0
        if not found:
            print(f"{opened} has nothing older than {given.older_than}.")
            return 0
        for one in found:
            print(f"{opened.uri(one.prefix)}/  {len(one.keys)} objects, {_size(one.bytes)}, {one.written_at:%Y-%m-%d}")
        count, size = sum(len(one.keys) for one in found), _size(sum(one.bytes for one in found))
        if not agreed(given, f"Delete {count:,} objects of {len(found):,} loads ({size})?"):
            return 0
        left = discard(opened, [key for one in found for key in one.keys], "is older than the limit")
    print(f"Deleted {count - len(left):,} objects of {len(found):,} loads ({size}).")
    return 1 if left else 0


def age(text: str) -> timedelta:
    """Return the age in `14d` or `36h`.

    Raises:
        ArgumentTypeError: it is no age, or less than a day. A load may be as old as that.
    """
    found = re.fullmatch(r"(\d+)([dh])", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: write 14d or 36h")
    length = timedelta(**{"d": {"days": int(found[1])}, "h": {"hours": int(found[1])}}[found[2]])
    if length < _LEAST:
        raise argparse.ArgumentTypeError(f"{text!r} is less than a day: a load of that age may still be running")
    return length


def _running(client: object) -> list[str]:
    from daybook.orchestration.lifecycle.table_deployments import running_loads  # imports Prefect

    return running_loads(client)  # type: ignore[arg-type]


def _stage() -> ListableStage:
    from daybook.cli.connections import project_blocks

    opened: ListableStage = project_blocks().stage()
    return opened


def _as_json(stage: ListableStage, one: Leftover) -> dict[str, Any]:
    return {
        "prefix": stage.uri(one.prefix),
        "objects": len(one.keys),
        "bytes": one.bytes,
        "written_at": one.written_at.isoformat(),
    }


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
