"""Texts as the artifacts of a run take them."""

import re


def page_key(*words: str) -> str:
    """The key of an artifact, of which Prefect takes small letters, digits and dashes: `load-raw-data-nps`."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def one_line(text: str) -> str:
    """A text as it can stand in a list of Markdown: on one line, and without marks that Markdown would take away."""
    return " ".join(text.split()).replace("*", "\\*").replace("_", "\\_")


def printable(text: str) -> str:
    """`text` without what no medium can send: control characters, halves of surrogate pairs. Lines end in `\\n`."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
