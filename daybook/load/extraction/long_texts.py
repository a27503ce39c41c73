"""Shorten or leave out texts that are too long for their column in the warehouse, as the table file says.

The rows pass through here as CSV, on their way to the stage. A chunk without a long field is passed on as it is.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from daybook.definitions.table import Table
from daybook.definitions.too_long import unfit
from daybook.errors import SourceError, StageError
from daybook.model.table_spec import TooLong
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.suggestions import did_you_mean
from daybook.warehouses.base import Warehouse

#: A field with quotes. Only such a field has a quote in it, so the first quote of a chunk opens one.
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_FIELD = re.compile(rb'("(?:[^"]++|"")*+"|[^",\n]*+)([,\n])')


@dataclass(frozen=True, slots=True)
class _Limit:
    name: str
    policy: TooLong
    most: int
    in_bytes: bool

    def __str__(self) -> str:
        return f"{self.most:,} {'bytes' if self.in_bytes else 'characters'}"

    def shortened(self, text: bytes) -> bytes | None:
        """Return the beginning of a text that is too long, cut between two characters; None if it is not."""
        if self.in_bytes:
            end = self.most
            while end and len(text) > self.most and text[end] & 0xC0 == 0x80:  # a byte within a character
                end -= 1
            return text[:end] if len(text) > self.most else None
        characters = text.decode()
        return characters[: self.most].encode() if len(characters) > self.most else None


@dataclass(slots=True)
class LongTexts:
    """The limits of a table's columns with a `too_long:` other than `fail`, by their place in the CSV."""

    limits: Mapping[int, _Limit] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """The number of long values by column."""

    @classmethod
    def of(
        cls,
        table: Table,
        target: Target,
        warehouse: Warehouse,
        existing: Mapping[str, Column],
        altered: Collection[str],
    ) -> "LongTexts":
        """Return the limits for a load of `target`.

        Args:
            table: the table file.
            target: the table to load.
            warehouse: the warehouse.
            existing: the columns of the table in the warehouse; empty if there is no table.
            altered: the columns that the load widens or adds before it loads rows.

        Raises:
            SourceError: the source has no such column, or its values cannot be shortened.
        """
        wanted = {name: policy for name, policy in table.too_long.items() if policy != "fail"}
        places = {column.name: place for place, column in enumerate(target.columns)}
        limits = dict[int, _Limit]()
        for name, policy in wanted.items():
            if name not in places:
                near = did_you_mean(name, places, "correct the table file")
                raise SourceError(f"{table.name}: too_long has {name!r}, but the source has no such column{near}")
            column = target.columns[places[name]]
            if problem := unfit(policy, column.type.kind):
                raise SourceError(f"{table.name}: too_long: {name} is {column.type}, {problem}")
            there = None if name in altered else existing.get(warehouse.folded(name))
            most = warehouse.longest_text(there.type if there else warehouse.spelled(column.type))
            if most is not None:
                limits[places[name]] = _Limit(name, policy, most, warehouse.counts_bytes)
        return cls(limits)

    def fitted(self, chunks: Iterable[Chunk], format: CsvFormat) -> Iterator[Chunk]:
        """Yield the chunks with values that fit, and count the others."""
        shortest = min((limit.most for limit in self.limits.values()), default=None)
        for chunk in chunks:
            if shortest is not None and self._has_longer(chunk.data, shortest):
                chunk = Chunk(b"".join(self._fields(chunk.data, format.null.encode())), chunk.rows)
            yield chunk

    @staticmethod
    def _has_longer(data: bytes, most: int) -> bool:
        return any(found.end() - found.start() - 2 > most for found in _QUOTED.finditer(data))

    def _fields(self, data: bytes, null: bytes) -> Iterator[bytes]:
        place = done = 0
        for found in _FIELD.finditer(data):
            if found.start() != done:
                break
            text, end = found.groups()
            done = found.end()
            limit = self.limits.get(place)
            if limit and len(text) - 2 > limit.most and text.startswith(b'"'):
                cut = limit.shortened(text[1:-1].replace(b'""', b'"'))
                if cut is not None:
                    self.counts[limit.name] += 1
                    text = null if limit.policy == "null" else b'"' + cut.replace(b'"', b'""') + b'"'
            yield text + end
            place = 0 if end == b"\n" else place + 1
        if done != len(data):
            raise StageError("A chunk is not CSV: the source must yield whole rows, and quote each field with a quote.")

    def notices(self, what: str) -> list[str]:
        """Return a sentence for each column with long values. `what` is the table and the interval."""
        done = {"truncate": "cut there", "null": "loaded as NULL"}
        return [
            f"{what}: {self.counts[limit.name]:,} value{'s' if self.counts[limit.name] > 1 else ''} of {limit.name} "
            f"longer than {limit} {'are' if self.counts[limit.name] > 1 else 'is'} {done[limit.policy]}, as too_long: "
            "in the table file says"
            for limit in self.limits.values()
            if self.counts[limit.name]
        ]
