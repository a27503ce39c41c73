"""The report of `daybook diff` as text, as Markdown for a pull request, and as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from daybook.diff.diff_report import Report
from daybook.diff.formats.markdown import as_markdown
from daybook.diff.formats.text import as_text


def as_json(report: Report) -> str:
    """Return the report as a JSON object."""
    return json.dumps(asdict(report), indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Report], str]] = {"text": as_text, "markdown": as_markdown, "json": as_json}
