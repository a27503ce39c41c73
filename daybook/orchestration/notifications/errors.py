"""Why a channel did not deliver a message, in words for a person. No text here holds a secret."""


class DeliveryFailed(Exception):
    """The channel did not take the message now. The outbox tries again in the next pass."""


class DeliveryRefused(Exception):
    """The channel will never take the message. The outbox does not try again."""


class NotConfigured(Exception):
    """A block or an address is missing, so nothing can be sent by this channel. The text says what to set."""
