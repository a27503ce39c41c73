"""Print the problems of a project for people, scripts, GitHub Actions and GitLab CI."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from daybook.validation.problem import Problem


def as_text(problems: Sequence[Problem]) -> str:
    """Return `path:line: message` lines."""
    return "\n".join(map(str, problems))


def as_json(problems: Sequence[Problem]) -> str:
    """Return a JSON list of objects with `path`, `line` (or null), `message` and `check`."""
    return json.dumps([asdict(problem) for problem in problems], indent=2, ensure_ascii=False)


def as_github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub shows as annotations in the diff of a pull request."""
    return "\n".join(
        f"::error file={_property(one.path)},line={one.line or 1},title=daybook validate::{_data(one.message)}"
        for one in problems
    )


def as_gitlab(problems: Sequence[Problem]) -> str:
    """Return GitLab's code-quality report, which a job stores as `artifacts: reports: codequality:`."""
    issues = [
        {
            "description": one.message,
            "check_name": f"daybook-{one.check}",
            "fingerprint": hashlib.sha256(f"{one.path}\0{one.check}\0{one.message}".encode()).hexdigest(),
            "severity": "major",
            "location": {"path": one.path, "lines": {"begin": one.line or 1}},
        }
        for one in problems
    ]
    return json.dumps(issues, indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Sequence[Problem]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "gitlab": as_gitlab,
}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
