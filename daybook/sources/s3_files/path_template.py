"""The path of files in S3, with a placeholder for the label of the interval."""

import re
from dataclasses import dataclass

#: The placeholder for the label of the interval.
DATE = "{execution_date}"

_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket, and a key in it. A key that ends with a slash is a folder, any other key a file."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, path: str) -> "Address":
        """Parse the path of a table file. Raise ValueError, with the right form, if it is invalid."""
        found = _PATH.fullmatch(path)
        if not found:
            raise ValueError("expected s3://bucket/folder/ or s3://bucket/folder/file")
        if re.search(r"[{}*?]", found[2].replace(DATE, "")):
            raise ValueError(f"{DATE} is the only placeholder: give a folder, to read all files in it, or one file")
        return cls(*found.groups())

    @property
    def dated(self) -> bool:
        """Return True if each interval has its own folder or file."""
        return DATE in self.key

    @property
    def is_folder(self) -> bool:
        """Return True if it is a folder, and False if it is one file."""
        return self.key.endswith("/") or not self.key

    @property
    def fixed(self) -> str:
        """Return the prefix that the keys of all intervals share."""
        return self.key.partition(DATE)[0]

    def key_of(self, label: str | None) -> str:
        """Return the key of the interval with this label, or the one key of all intervals if `label` is None."""
        return self.key if label is None else self.key.replace(DATE, label)

    def label_in(self, name: str) -> str | None:
        """Return the label in a name that is listed below `fixed`, up to the next slash, or None if there is none."""
        suffix, slash, _ = self.key[len(self.fixed) :].removeprefix(DATE).partition("/")
        if name.endswith("/") != bool(slash) or not name.startswith(self.fixed):
            return None
        label = name[len(self.fixed) :].removesuffix("/")
        return label.removesuffix(suffix) if label.endswith(suffix) else None
