"""Where in S3 the files of an interval are: a path with a place for the interval's name."""

import re
from dataclasses import dataclass

#: What stands in a path for the interval.
DATE = "{execution_date}"

_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket, and a key in it: one that ends with a slash is a folder's, any other one a file's."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, path: str) -> "Address":
        """The address that a table file gives. Raises ValueError, with what to write instead."""
        found = _PATH.fullmatch(path)
        if not found:
            raise ValueError("expected s3://bucket/folder/ or s3://bucket/folder/file")
        if re.search(r"[{}*?]", found[2].replace(DATE, "")):
            raise ValueError(f"{DATE} is all that can be left open: name a folder, whose files are all read, or a file")
        return cls(*found.groups())

    @property
    def dated(self) -> bool:
        """Whether every interval has a place of its own."""
        return DATE in self.key

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, rather than one file."""
        return self.key.endswith("/") or not self.key

    @property
    def fixed(self) -> str:
        """The beginning that the keys of all intervals have."""
        return self.key.partition(DATE)[0]

    def key_of(self, label: str | None) -> str:
        """The key of the interval that is called so; None where the intervals have none of their own."""
        return self.key if label is None else self.key.replace(DATE, label)

    def label_in(self, name: str) -> str | None:
        """The interval's name in `name`, which is listed below `fixed` up to a slash; None if it has another form."""
        behind, slash, _ = self.key[len(self.fixed) :].removeprefix(DATE).partition("/")
        if name.endswith("/") != bool(slash) or not name.startswith(self.fixed):
            return None
        label = name[len(self.fixed) :].removesuffix("/")
        return label.removesuffix(behind) if label.endswith(behind) else None
