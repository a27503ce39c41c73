"""Write commands that a person can paste into a shell."""

import os
import shlex

from daybook.project import TARGET


def command(*words: str) -> str:
    """Return the command with these words. Words with spaces, quotes, `*`, parentheses and the like are quoted.

    A command of Daybook gets the target of this process, if it has another one than prod: in the reader's shell, the
    command must find the same tables.
    """
    target = os.environ.get(TARGET, "")
    if words[0] == "daybook" and target not in ("", "prod") and "--target" not in words:
        words = (*words, "--target", target)
    return shlex.join(words)
