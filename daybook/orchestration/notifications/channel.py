"""The base class of notification channels. A channel sends notices to an owner's address."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from prefect.client.orchestration import SyncPrefectClient
from pydantic import BeforeValidator

from daybook.monitoring.incidents.notice import Notice

ONE_OR_MORE = BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
"""For an `address_type` that is a tuple of texts: in the file, one text may be written without a list."""


class Channel(ABC):
    """A way to send notices, opened for one address.

    A subclass in a module of `notifications/channels/` is all that a new channel needs: it is found there, and its
    field is allowed in `tables/owners.yaml`. It renders a notice with the pieces in `plain_text`, within the limits of
    its service.
    """

    name: ClassVar[str]
    """The name under which the outbox records what the channel has sent. Never change it."""
    yaml_field: ClassVar[str]
    """The field of an owner in `tables/owners.yaml` that holds the address. The default is `name`."""
    address_type: ClassVar[Any]
    """The type of that field for Pydantic, with validators whose errors name the remedy."""
    yaml_help: ClassVar[str]
    """One sentence about that field, for the JSON schema and for errors."""

    variables: ClassVar[tuple[str, ...]] = ()
    """The environment variables that `from_environment` reads."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "yaml_field" not in vars(cls) and "name" in vars(cls):
            cls.yaml_field = cls.name

    @property
    def key(self) -> str:
        """Return the key for the outbox: the name, or `name:part` if one owner has several of this channel."""
        return self.name

    @classmethod
    @abstractmethod
    def open(cls, client: SyncPrefectClient, address: Any | None) -> Sequence[Self]:
        """Open the channel for an owner's address (None: the owner has none), from the blocks on the Prefect server.

        Return one channel for each recipient that takes messages independently of the others; none if the channel is
        not in use.

        Raises:
            NotConfigured: the owner has an address, and the block that sends to it is missing.
            BlockUnusable: the content of a block is invalid.
        """

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], address: Any | None) -> Sequence[Self]:
        """Open the channel from environment variables alone, while the Prefect server is down.

        Return the channels, as `open` does. The default implementation returns none.
        """
        return ()

    @abstractmethod
    def deliver(self, notice: Notice) -> str:
        """Send a notice, and return the thread that it started; "" if the channel has no threads.

        Raises:
            DeliveryFailed: the channel cannot take it now: unreachable, down, rate limited or misconfigured.
            DeliveryRefused: the channel will never take it.
            NotConfigured: an address is missing.
        """

    def reply(self, notice: Notice, thread: str) -> str:
        """Send a later notice of the incident whose first one started `thread`, and return the thread to continue.

        The default implementation sends a separate message. Raises the same errors as `deliver`.
        """
        return self.deliver(notice)
