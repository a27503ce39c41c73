"""What can go wrong with the local stack."""


class StackError(Exception):
    """A part of the local stack cannot start or stop; the message says why, what to do and where its log is."""
