"""`kind: s3`: CSV, JSON lines or Parquet files in S3, in one folder or in a folder a date."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from daybook.errors import SourceError
from daybook.sources.base import ConnectionProvider, Source, SourceKind
from daybook.sources.s3_files.path_template import DATE, Address
from daybook.sources.text.csv_reader import CsvDialect
from daybook.sources.text.value_formats import ISO, ValueFormats

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec


class Config(SourceKind, CsvDialect):
    """What a table file says of files in S3."""

    masks: ClassVar[bool] = True

    kind: Literal["s3"]
    block: str = Field("aws", description="The AwsCredentials block with the keys.")
    path: str = Field(
        description="s3://bucket/folder/ for the files directly in it, or s3://bucket/file for one. {execution_date} "
        "stands for the interval, as a person names it: 2021-02-05."
    )
    format: Literal["csv", "jsonl", "parquet"] = Field(description="What all of the files are.")
    in_place: bool = Field(
        True,
        description="Whether a warehouse that can read the files itself may: its role needs s3:GetObject for them.",
    )
    values: ValueFormats = Field(ISO, description="How values are spelled, in CSV and in JSON's strings.")
    missing: Literal["fail", "empty"] = Field(
        "fail",
        description="What it means when an interval has no file: that something went wrong, or that it has no rows.",
    )

    @field_validator("path")
    @classmethod
    def _is_an_address(cls, path: str) -> str:
        Address.parse(path)
        return path

    @model_validator(mode="after")
    def _fits_the_format(self) -> "Config":
        of_csv = sorted(self.model_fields_set & CsvDialect.model_fields.keys())
        if self.format != "csv" and of_csv:
            raise ValueError(f"{', '.join(of_csv)}: only a CSV is told apart so; take it out, or say format: csv")
        if self.format == "parquet" and "values" in self.model_fields_set:
            raise ValueError("values: Parquet has types, and nothing is spelled in it; take it out")
        return self

    @property
    def spelling(self) -> ValueFormats:
        """How values are spelled: Parquet has types, and in JSON an empty text is no null unless somebody says so."""
        if self.format == "csv":
            return self.values
        if self.format == "jsonl" and "nulls" in self.values.model_fields_set:
            return self.values
        return self.values.model_copy(update={"nulls": ()})

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Open the files for one run. Nothing but their bucket is looked at until rows are wanted.

        Raises:
            SourceError: the path does not fit how the table is loaded, or the bucket cannot be listed.
        """
        from daybook.sources.s3_files.bucket import Bucket
        from daybook.sources.s3_files.source import Files

        address = Address.parse(self.path)
        if address.dated != table.strategy.has_intervals:
            remedy = (
                f"{DATE} in path: names an interval, and the table has none: use load: replace_interval or upsert, or "
                "take it out of path:"
                if address.dated
                else f"path: is the same for every interval: write {DATE} where it names the interval, or use "
                "load: replace, which reads all of it each time"
            )
            raise SourceError(f"{table.name} has load: {table.load}. {remedy}")
        yield Files(table, self, address, Bucket(keys.s3(self.block), address.bucket, self.block, table.name))
