"""Text for the artifacts of a run."""

import re


def page_key(*words: str) -> str:
    """Return an artifact's key: lower-case letters, digits and dashes, such as `load-raw-data-nps`.

    The key is unlike that of any other target, because the server shows the newest artifact of each key.
    """
    from daybook.definitions.targets.project_target import current_target

    *first, last = words
    return re.sub(r"[^a-z0-9]+", "-", " ".join([*first, current_target().deployment_name(last)]).lower()).strip("-")


def one_line(text: str) -> str:
    """Return `text` on one line for a list item, with `*` and `_` escaped for Markdown."""
    return " ".join(text.split()).replace("*", "\\*").replace("_", "\\_")


def printable(text: str) -> str:
    """Return `text` without characters that no channel sends: control codes, lone surrogates. Lines end in `\\n`."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
