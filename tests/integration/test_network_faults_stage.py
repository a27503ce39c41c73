"""An S3 stage that is cut off or silent during a load."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daybook.errors import StageLost
from daybook.load.load import load
from daybook.stage.s3 import S3Stage
from tests.support.faulty_network import (
    DAY,
    FAULTS,
    ROWS,
    SILENCE,
    at_source,
    by_fault,
    by_some_faults,
    change,
    make,
    stage_behind,
)
from tests.support.servers.gate import Gate
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of


@pytest.fixture
def stored(postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(postgres_source, "postgres-s3", request, tmp_path) as both:
        yield both


@pytest.fixture
def way(stored: Endpoints, s3: S3) -> Iterator[tuple[Gate, S3Stage]]:
    """Yield a gate to S3, and a stage whose client tries each request once."""
    with stage_behind(s3, stored.stage) as found:
        yield found


@by_fault
def test_reading_a_part_that_breaks_off(stored: Endpoints, way: tuple[Gate, S3Stage], fault: str) -> None:
    (gate, stage), table = way, make(stored)
    extracted = stored.extract(table, DAY)
    assert extracted.manifest.bytes > 20_000
    gate.slow(0, 4096)
    gate.hold(bytes=10_000, **FAULTS[fault])
    assert load(extracted, stored.warehouse, stage).rows == ROWS
    assert gate.hits == 1
    assert stored.rows(table) == at_source(stored) and stored.staged_keys() == []


@by_some_faults
@pytest.mark.parametrize("request_", [b"PUT /", b"GET /"], ids=["PUT", "GET"])
def test_a_stage_that_stays_lost(stored: Endpoints, way: tuple[Gate, S3Stage], request_: bytes, fault: str) -> None:
    (gate, stage), table = way, make(stored)
    stored.load(table, DAY)
    before = stored.state(table)
    change(stored)
    gate.hold(request_, **FAULTS[fault] | {"always": True})
    with pytest.raises(StageLost) as caught:
        replace(stored, stage=stage).load(table, DAY)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert f"{table.name}/" in said and stage.uri("") in said and "Then run the load again" in said
    assert caught.value.may_pass
    assert stored.state(table) == before
    gate.open()
    assert replace(stored, stage=stage).load(table, DAY).rows == ROWS + 1
    assert stored.rows(table) == at_source(stored)


def test_a_stage_that_is_lost_after_the_commit(
    stored: Endpoints, way: tuple[Gate, S3Stage], caplog: pytest.LogCaptureFixture
) -> None:
    (gate, stage), table = way, make(stored)
    extracted = stored.extract(table, DAY)
    gate.hold(b"DELETE /")
    with caplog.at_level(logging.WARNING):
        report = load(extracted, stored.warehouse, stage)
    assert gate.hits == 1, "the other objects are not tried"
    assert report.rows == ROWS and report.seconds["load"] < 10 * SILENCE
    assert stored.rows(table) == at_source(stored)
    left = stored.staged_keys()
    assert len(left) == 2 and all(key.removeprefix(f"{stage.prefix}/") in caplog.text for key in left)
