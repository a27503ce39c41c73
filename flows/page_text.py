"""Texts as the artifacts of a run take them."""

import re


def page_key(*words: str) -> str:
    """The key of an artifact, of which Prefect takes small letters, digits and dashes: `load-raw-data-nps`."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def one_line(text: str) -> str:
    """A text as it can stand in a list of Markdown: on one line, and without marks that Markdown would take away."""
    return " ".join(text.split()).replace("*", "\\*").replace("_", "\\_")
