"""What a run put on the stage, written down: which parts, with how many rows, and what their bytes add up to."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from daybook.errors import StageError
from daybook.stage.csv_format import CsvFormat


@dataclass(frozen=True, slots=True)
class Part:
    """One object on the stage: whole rows of CSV in one zstd frame."""

    key: str
    rows: int
    raw_bytes: int
    """Bytes of CSV."""
    bytes: int
    """Bytes of the object, which is compressed."""
    sha256: str
    """Of the object, in hex."""


@dataclass(frozen=True, slots=True)
class FilesInPlace:
    """Files of a source that a warehouse reads where they lie. They are not ours: nothing here ever removes them."""

    uris: tuple[str, ...]
    bytes: int
    columns: tuple[str, ...]
    """In the order in which a row has them."""
    format: Literal["csv", "jsonl"]
    compression: str | None = None
    """gzip, bzip2 or zstd, all of them."""
    delimiter: str = ","
    header: bool = True


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a run staged of one table. Its object is written last: a prefix without one is incomplete."""

    table: str
    prefix: str
    columns: tuple[str, ...]
    format: CsvFormat
    parts: tuple[Part, ...]
    in_place: FilesInPlace | None = None
    """What there is instead of parts, where the warehouse reads the source's own files."""

    @property
    def key(self) -> str:
        """Where on the stage the manifest itself is."""
        return manifest_key(self.prefix)

    @property
    def copy_key(self) -> str:
        """Where a warehouse that reads the stage itself finds its own list of the parts, while it loads them."""
        return f"{self.prefix}/copy.manifest"

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def raw_bytes(self) -> int:
        return sum(part.raw_bytes for part in self.parts)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts) + (self.in_place.bytes if self.in_place else 0)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """The manifest that `to_json` wrote. Raises StageError when it is not one."""
        try:
            fields = json.loads(text)
            return cls(
                table=fields["table"],
                prefix=fields["prefix"],
                columns=tuple(fields["columns"]),
                format=CsvFormat(**fields["format"]),
                parts=tuple(Part(**part) for part in fields["parts"]),
                in_place=_in_place(fields.get("in_place")),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise StageError(f"The manifest is damaged ({type(error).__name__}: {error}). Extract again.") from error


def _in_place(fields: dict[str, Any] | None) -> FilesInPlace | None:
    if fields is None:
        return None
    return FilesInPlace(**{**fields, "uris": tuple(fields["uris"]), "columns": tuple(fields["columns"])})


def manifest_key(prefix: str) -> str:
    """Where on the stage the manifest of a run is."""
    return f"{prefix}/manifest.json"
