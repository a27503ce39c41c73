"""What a run put on the stage, written down: which parts, with how many rows, and what their bytes add up to."""

import json
from dataclasses import asdict, dataclass

from daybook.csv_format import CsvFormat
from daybook.errors import StageError


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
class Manifest:
    """All that a run staged of one table. Its object is written last: a prefix without one is incomplete."""

    table: str
    prefix: str
    columns: tuple[str, ...]
    format: CsvFormat
    parts: tuple[Part, ...]

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
        return sum(part.bytes for part in self.parts)

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
            )
        except (ValueError, TypeError, KeyError) as error:
            raise StageError(f"The manifest is damaged ({type(error).__name__}: {error}). Extract again.") from error


def manifest_key(prefix: str) -> str:
    """Where on the stage the manifest of a run is."""
    return f"{prefix}/manifest.json"
