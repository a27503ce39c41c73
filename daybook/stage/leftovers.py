"""Find what old loads left on the stage: the parts of failed loads, which stay for an investigation.

A prefix is a leftover if its name has the time of an old run (`new_prefix`), and nothing was written below it since.
Everything else on the storage is left alone.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from daybook.stage.base import StagedObject, readable

_PREFIX = re.compile(r"(?P<table>[^/]+)/(?P<stamp>\d{8}T\d{6}Z)-(?P<run>.+)-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Leftover:
    """The objects of one run of one table that nobody needs any more."""

    prefix: str
    keys: tuple[str, ...]
    bytes: int
    written_at: datetime
    """The time of the newest write, in UTC."""


def leftovers(objects: Iterable[StagedObject], before: datetime, running: Collection[str] = ()) -> list[Leftover]:
    """Return the prefixes that began before the instant `before`, and were not written to since, the oldest first.

    `running` are the names of the flow runs that run now. Their prefixes stay, no matter how old they are.
    """
    found: dict[str, list[StagedObject]] = {}
    for one in objects:
        found.setdefault("/".join(one.key.split("/")[:2]), []).append(one)
    active = {readable(name, "run") for name in running}
    old = []
    for prefix, parts in found.items():
        named = _PREFIX.fullmatch(prefix)
        newest = max(part.written_at for part in parts)
        if named is None or named["run"] in active or newest >= before or _instant(named["stamp"]) >= before:
            continue
        keys = tuple(sorted(part.key for part in parts))
        old.append(Leftover(prefix, keys, sum(part.bytes for part in parts), newest))
    return sorted(old, key=lambda one: one.written_at)


def _instant(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
