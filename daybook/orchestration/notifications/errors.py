"""Delivery errors of notification channels. Their texts are for people, and never contain a secret."""


class DeliveryFailed(Exception):
    """The channel did not take the message now. The outbox retries in the next pass."""


class DeliveryRefused(Exception):
    """The channel will never take the message. The outbox does not retry."""


class NotConfigured(Exception):
    """A block or an address is missing, so the channel cannot send anything. The text says what to set."""
