"""Faults on demand: rules in a file define which statements fail, and how."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

from tests.support.redshift_emulator.wire import Backend

Rule = dict[str, Any]


class Faults:
    """The rules in a JSON file, as a list. The file is reread whenever it changes. The first match wins.

    A rule has `match` (a case-insensitive regular expression), `action` (drop_before, drop_after, drop_mid_copy, delay,
    queue or error), `times` (default 1), and `skip` (the number of matches to ignore first). An error also has
    `sqlstate`, `message` and `detail`; a delay and a queue have `seconds`.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._changed: tuple[int, int] | None = None
        self._rules: list[Rule] = []

    def hit(self, sql: str, *actions: str) -> Rule | None:
        """Return the rule with one of `actions` that applies to `sql` now, and count it as used."""
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


def wait_in_queue(backend: Backend, seconds: float) -> bool:
    """Wait as if in a queue of workload management. Return False if statement_timeout, which counts it, is over."""
    shown, _ = backend.query("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'")
    limit = float(shown[0][0] or 0) / 1000
    time.sleep(min(seconds, limit or seconds))
    return not limit or seconds < limit
