"""`kind: s3`: CSV, JSON lines or Parquet files in S3, in one folder or in one folder per interval."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from daybook.errors import SourceError
from daybook.model.types import Type
from daybook.sources.base import ConnectionProvider, Source, SourceKind
from daybook.sources.s3_files.path_template import DATE, Address
from daybook.sources.text.csv_reader import CsvDialect
from daybook.sources.text.value_formats import ISO, ValueFormats

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec


class _TypedValues(ValueFormats):
    """The values of Parquet, which have types. No format can be declared for them."""

    def remedies(self, type: Type, text: str) -> tuple[str, ...]:
        return ()


class Config(SourceKind, CsvDialect):
    """Files in S3: `source:` of a table file."""

    masks: ClassVar[bool] = True

    kind: Literal["s3"]
    block: str = Field("aws", description="The AwsCredentials block with the access key.")
    path: str = Field(
        description="s3://bucket/folder/ for the files directly in a folder, or s3://bucket/file for one file. "
        "{execution_date} stands for the label of the interval: 2021-02-05."
    )
    format: Literal["csv", "jsonl", "parquet"] = Field(description="The format of all files.")
    in_place: bool = Field(
        True,
        description="If true, a warehouse may read the files directly. Its role needs s3:GetObject for them.",
    )
    values: ValueFormats = Field(ISO, description="The formats of values in CSV and in the strings of JSON.")
    missing: Literal["fail", "empty"] = Field(
        "fail", description="What to do if an interval has no file. fail: fail the load. empty: load no rows."
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
            raise ValueError(f"{', '.join(of_csv)}: applies only to CSV; remove it, or set format: csv")
        if self.format == "parquet" and "values" in self.model_fields_set:
            raise ValueError("values: does not apply to Parquet, whose values have types; remove it")
        return self

    @property
    def value_formats(self) -> ValueFormats:
        """Return the formats of the values. In JSON and Parquet, no text is NULL, unless `nulls` is set for JSON."""
        if self.format == "csv":
            return self.values
        if self.format == "jsonl" and "nulls" in self.values.model_fields_set:
            return self.values
        if self.format == "parquet":
            return _TypedValues.model_validate({"nulls": ()})
        return self.values.model_copy(update={"nulls": ()})

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Open the files for one run. Only the bucket is accessed before rows are read.

        Raises:
            SourceError: the path does not fit the load strategy, or the bucket cannot be listed.
        """
        from daybook.sources.s3_files.bucket import Bucket
        from daybook.sources.s3_files.source import Files

        address = Address.parse(self.path)
        if address.dated != table.strategy.has_intervals:
            remedy = (
                f"{DATE} in path: stands for an interval, and the table has none: use load: replace_interval or "
                "upsert, or remove it from path:"
                if address.dated
                else f"path: is the same for every interval: write {DATE} in place of the interval's label, or use "
                "load: replace, which reads all files in each load"
            )
            raise SourceError(f"{table.name} has load: {table.load}. {remedy}")
        yield Files(table, self, address, Bucket(keys.s3(self.block), address.bucket, self.block, table.name))
