"""Why a message could not be delivered, in words for a person."""


class Undelivered(Exception):
    """It was not taken. The text says why, and what to do where somebody can do something. It holds no secrets."""
