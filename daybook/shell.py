"""Write commands that a person can paste into a shell."""

import shlex


def command(*words: str) -> str:
    """Return the command with these words. Words with spaces, quotes, `*`, parentheses and the like are quoted."""
    return shlex.join(words)
