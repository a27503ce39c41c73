"""What is between source and warehouse: named, and verified on the stage."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from daybook.definitions.table import Table
from daybook.errors import RowCountMismatch, StageError
from daybook.load.extraction.extract import Extracted
from daybook.load.planning.plan import plan
from daybook.load.transform import transform, transformations
from daybook.model.masks import masked
from daybook.model.target import Target
from daybook.model.types import Column, parse_type
from daybook.stage.base import new_prefix
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.folder import FolderStage
from daybook.stage.parts import write_parts

TABLE = Table(
    name="raw_data.users",
    description="x",
    owner="x",
    source={"kind": "database", "table": "prod.users"},  # type: ignore[arg-type]
    key=["id"],
    cursor="at",
    interval="day",
    load="replace_interval",
    mask={"email": "hash", "phone": "null", "ssn": "drop"},
)
NOW = datetime.now(UTC)


@pytest.fixture
def stage(tmp_path: Path) -> FolderStage:
    return FolderStage(tmp_path)


@pytest.fixture
def extracted(stage: FolderStage) -> Extracted:
    """One row on the stage, as its source sends it."""
    types = {"id": "integer", "at": "timestamp", "email": "text", "phone": "text", "ssn": "text", "score": "smallint"}
    sent = masked(TABLE, [Column(name, parse_type(type)) for name, type in types.items()])
    columns = tuple(replace(one, type=parse_type("bigint")) if one.name == "score" else one for one in sent)
    target = Target(TABLE.name, columns, ("id",), None, None)
    manifest = write_parts(
        stage,
        new_prefix(TABLE.name, "run"),
        [Chunk(b"1,,,,5\n", 1)],
        table=TABLE.name,
        columns=target.column_names,
        format=CsvFormat(),
        key=["id"],
    )
    return Extracted(plan(TABLE, date(2021, 2, 5)), target, manifest, 1, NOW, NOW, 0.1, described=tuple(sent))


def test_the_transformations_of_the_table_file_are_named(
    extracted: Extracted, stage: FolderStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = ["email hashed", "phone set to NULL", "ssn dropped", "score smallint to bigint"]
    assert transformations(extracted) == said
    assert transform(extracted, stage) == extracted
    assert f"raw_data.users: {', '.join(said)}" in caplog.text


def test_a_table_that_is_loaded_as_it_is_has_none(extracted: Extracted) -> None:
    plain = TABLE.model_copy(update={"mask": {}})
    same = replace(extracted, plan=replace(extracted.plan, table=plain), described=extracted.target.columns)
    assert transformations(same) == []


def test_a_stage_with_another_number_of_rows_is_refused(extracted: Extracted, stage: FolderStage) -> None:
    with pytest.raises(RowCountMismatch, match="the source sent 2 rows, and the manifest has 1"):
        transform(replace(extracted, rows=2), stage)


def test_a_manifest_of_somebody_else_is_refused(extracted: Extracted, stage: FolderStage) -> None:
    (part,) = extracted.manifest.parts
    other = replace(extracted.manifest, parts=(replace(part, sha256="0" * 64),))
    with pytest.raises(StageError, match="is not the manifest that this run wrote"):
        transform(replace(extracted, manifest=other), stage)
