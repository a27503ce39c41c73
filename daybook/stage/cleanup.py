"""Delete objects of the stage that nobody needs any more."""

import logging
from collections.abc import Sequence

from daybook.errors import StageError, StageLost
from daybook.stage.base import AccessKeys, Stage

logger = logging.getLogger(__name__)


def discard(stage: Stage, keys: Sequence[str], reason: str) -> list[str]:
    """Delete these objects. Return the addresses of those that could not be deleted.

    It never raises a StageError, but logs the addresses with the `reason` why nobody needs the objects. If the storage
    does not answer, it does not try the other objects: each would take minutes.
    """
    left: list[str] = []
    for number, key in enumerate(keys):
        try:
            stage.delete(key)
        except StageError as error:
            lost = isinstance(error, StageLost)
            remaining = [stage.uri(other) for other in (keys[number:] if lost else [key])]
            addresses = "\n".join(remaining)
            logger.warning("%s %s, but these objects remain: delete them by hand:\n%s", error, reason, addresses)
            left += remaining
            if lost:
                break
    return left


class RecordedStage:
    """A stage that records which objects are written, so that they can be discarded."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._keys = stage, list[str]()

    def __str__(self) -> str:
        return str(self._stage)

    def put(self, key: str, data: bytes) -> None:
        """Write an object. It is recorded even if the write fails, because it may have reached the storage."""
        self._keys.append(key)
        self._stage.put(key, data)

    def get(self, key: str) -> bytes:
        """Return all bytes of an object."""
        return self._stage.get(key)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._stage.delete(key)

    def uri(self, key: str) -> str:
        """Return the address of an object."""
        return self._stage.uri(key)

    def region(self) -> str | None:
        """Return the region of the storage."""
        return self._stage.region()

    def access_keys(self) -> AccessKeys | None:
        """Return the keys of the storage."""
        return self._stage.access_keys()

    def discard(self, reason: str) -> list[str]:
        """Delete the objects that were written so far, and return those that remain: see `discard`."""
        keys, self._keys = self._keys, []
        return discard(self._stage, keys, reason)
