"""A test channel that writes each message to a file. This module is all of its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.notifications.channel import Channel
from daybook.orchestration.notifications.errors import DeliveryFailed, DeliveryRefused
from daybook.orchestration.notifications.plain_text import clipped, headline


@dataclass(frozen=True)
class Pigeon(Channel):
    """Write to the file that `tables/owners.yaml` names. A missing file simulates an outage."""

    name = "pigeon"
    address_type = Path
    yaml_help = "A file."

    file: Path

    @classmethod
    def open(cls, client: SyncPrefectClient, address: Path | None) -> Sequence[Self]:
        """Open the file of an owner."""
        return (cls(address),) if address else ()

    def deliver(self, notice: Notice) -> str:
        """Add a line, and return its number as the thread."""
        if not self.file.exists():
            raise DeliveryFailed("the pigeon is asleep")
        if "refused" in notice.title:
            raise DeliveryRefused("the pigeon does not carry this")
        with self.file.open("a", encoding="utf-8") as file:
            file.write(clipped(headline(notice), 60) + "\n")
        return str(len(self.file.read_text(encoding="utf-8").splitlines()))

    def reply(self, notice: Notice, thread: str) -> str:
        """Add a line that names the thread."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"re {thread}: {notice.title}\n")
        return thread
