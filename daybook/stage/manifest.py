"""The manifest of a run: the parts on the stage, with their row counts, sizes and checksums."""

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
    """The size of the CSV."""
    bytes: int
    """The size of the compressed object."""
    sha256: str
    """The checksum of the compressed object, in hex."""


@dataclass(frozen=True, slots=True)
class FilesInPlace:
    """Files of a source that a warehouse reads directly. Daybook never deletes them, since it did not write them."""

    uris: tuple[str, ...]
    bytes: int
    columns: tuple[str, ...]
    """The columns in the order of the files."""
    format: Literal["csv", "jsonl"]
    compression: str | None = None
    """The compression of all files: gzip, bzip2 or zstd. None: they are not compressed."""
    delimiter: str = ","
    header: bool = True
    region: str | None = None
    """The region of the bucket; None if it has none."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a run staged for one table. It is written last: a prefix without a manifest is incomplete."""

    table: str
    prefix: str
    columns: tuple[str, ...]
    format: CsvFormat
    parts: tuple[Part, ...]
    in_place: FilesInPlace | None = None
    """The source's own files, if the warehouse reads them directly. Then the manifest has no parts."""

    @property
    def key(self) -> str:
        """Return the key of the manifest on the stage."""
        return manifest_key(self.prefix)

    @property
    def copy_key(self) -> str:
        """Return the key of the list of parts that a warehouse reads from the stage itself, during its load."""
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
        """Return the manifest that `to_json` wrote. Raise StageError if `text` is something else."""
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
            raise StageError(
                f"The manifest is damaged ({type(error).__name__}: {error}). Run the load again."
            ) from error


def _in_place(fields: dict[str, Any] | None) -> FilesInPlace | None:
    if fields is None:
        return None
    return FilesInPlace(**{**fields, "uris": tuple(fields["uris"]), "columns": tuple(fields["columns"])})


def manifest_key(prefix: str) -> str:
    """Return the key of the manifest below the prefix of a run."""
    return f"{prefix}/manifest.json"
