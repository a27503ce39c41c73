"""Faults on demand: rules in a file say which statement fails, and how."""

import json
import re
import threading
from pathlib import Path
from typing import Any

Rule = dict[str, Any]


class Faults:
    """The rules of a JSON file, a list that is read again whenever the file changes. The first that matches wins.

    A rule: `match` (a regular expression, any case), `action` (drop_before, drop_after, drop_mid_copy, delay, error),
    `times` (default 1), `skip` (matches to let pass first), and for an error `sqlstate`, `message`, `detail`, for a
    delay `seconds`.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._changed: tuple[int, int] | None = None
        self._rules: list[Rule] = []

    def hit(self, sql: str, *actions: str) -> Rule | None:
        """The rule with one of `actions` that applies to `sql` now; it counts as used."""
        if self._path is None:
            return None
        with self._lock:
            self._refresh(self._path)
            for rule in self._rules:
                if rule["action"] not in actions or rule.get("times", 1) <= 0:
                    continue
                if re.search(rule.get("match", ""), sql, re.IGNORECASE | re.DOTALL):
                    if rule.get("skip", 0) > 0:
                        rule["skip"] -= 1
                        continue
                    rule["times"] = rule.get("times", 1) - 1
                    return rule
        return None

    def _refresh(self, path: Path) -> None:
        try:
            stat = path.stat()
            changed = (stat.st_mtime_ns, stat.st_ino)
            if changed != self._changed:
                self._changed, self._rules = changed, json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._changed, self._rules = None, []
