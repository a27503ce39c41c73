"""The estate around the cluster, as a test sets it: its users, its state, its network, and the account's buckets.

All of it is in one JSON file, which is reread whenever it changes. Without the file, every user may log in, names are
folded, and COPY reads every bucket.

    {"users": {"loader": {"password": "x", "request": 13, "settings": {"enable_case_sensitive_identifier": "true"},
                          "own_role": true}},
     "settings": {"enable_case_sensitive_identifier": "true"},
     "region": "eu-west-1",
     "roles": ["arn:aws:iam::123456789012:role/copy"], "default_role": "arn:aws:iam::123456789012:role/copy",
     "buckets": {"stage": {"region": "us-east-1", "readers": ["arn:aws:iam::123456789012:role/copy"]}},
     "keys": {"ASIA…": {"secret": "…", "token": "…", "reads": 1}},
     "refuses": "the cluster is being resized", "read_only": true,
     "black_hole": 1.5,
     "tls": "/path/of/the/certificate/and/key.pem"}
"""

import json
import threading
from pathlib import Path
from typing import Any


class Estate:
    """The fields of the file. `path` is None, or the file may be missing: then every field has its default."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._changed: tuple[int, int] | None = None
        self._fields: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a field of the file, or None."""
        return self.fields.get(name)

    @property
    def fields(self) -> dict[str, Any]:
        """Return all fields of the file as it is now."""
        if self._path is None:
            return {}
        with self._lock:
            try:
                stat = self._path.stat()
                changed = (stat.st_mtime_ns, stat.st_ino)
                if changed != self._changed:
                    self._fields, self._changed = json.loads(self._path.read_text(encoding="utf-8")), changed
            except FileNotFoundError:
                self._fields, self._changed = {}, None
            return self._fields

    def user(self, name: str) -> dict[str, Any]:
        """Return the fields of one user."""
        found: dict[str, Any] = (self["users"] or {}).get(name, {})
        return found

    def setting(self, user: str, name: str) -> str:
        """Return a setting of a new session: the user's own (ALTER USER … SET), or the parameter group's; or ""."""
        own: dict[str, str] = self.user(user).get("settings", {})
        group: dict[str, str] = self["settings"] or {}
        return own.get(name, group.get(name, ""))
