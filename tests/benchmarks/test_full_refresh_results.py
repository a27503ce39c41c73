"""The figures of the page about full refreshes come from the runs, and survive the file between two measurements."""

from pathlib import Path

from benchmarks.full_refresh_report import page
from benchmarks.full_refresh_results import Part, Run, memory_target, read, write
from benchmarks.full_refresh_source import State
from benchmarks.reader import Seen
from benchmarks.ways import DLT, FOLDER, PIPE
from benchmarks.whole_process import Cost

AIRFLOW = "Airflow, GenericTransfer"


def run(way: str, seconds: float, state: State = "first", flow: float | None = None, rows: int = 2_000_000) -> Run:
    return Run(way, state, rows, Cost(seconds, 1.5, 2.5, 80_000_000, {"pipe": 3.0, "key and index": 1.0}), flow)


def part(*runs: Run, rows: int = 2_000_000, shape: str = "wide") -> Part:
    seen = ((FOLDER, "unchanged", Seen(9, 0.2, rows, rows)), (DLT, "unchanged", Seen(9, 3.0, 0, rows)))
    made = "2026-11-29, a machine"
    return Part("mariadb", shape, rows, made, "Python 3", runs, seen, Seen(9, 0.1, rows, rows), {"x": "no"})  # type: ignore[arg-type]


MEASURED = part(
    *(run(PIPE, seconds) for seconds in (9.0, 10.0, 14.0)),
    *(run(FOLDER, seconds, flow=flow) for seconds, flow in ((16.0, 11.0), (15.0, 12.0), (20.0, 13.0))),
    run(DLT, 20.0),
    run(AIRFLOW, 6.0, rows=100_000),
)


def test_a_file_gives_back_the_parts_that_were_written(tmp_path: Path) -> None:
    small, narrow = part(run(PIPE, 1.0), rows=10), part(run(PIPE, 2.0), shape="narrow")
    write(tmp_path / "parts.json", [narrow, MEASURED, small])
    assert read(tmp_path / "parts.json") == [small, MEASURED, narrow]
    assert read(tmp_path / "another.json") == []


def test_a_figure_is_the_median_with_the_fastest_and_the_slowest_run() -> None:
    figures = MEASURED.figures(FOLDER, "first")
    assert figures is not None
    assert (figures.seconds, figures.fastest, figures.slowest, figures.flow_seconds) == (16.0, 15.0, 20.0, 12.0)
    assert MEASURED.figures(FOLDER, "unchanged") is None


def test_the_targets_compare_the_flow_with_the_pipe_and_the_process_with_dlt() -> None:
    assert [(target.measured, target.met) for target in MEASURED.targets()] == [("1.20 ×", True), ("0.80 ×", True)]
    slower = part(run(PIPE, 10.0), run(FOLDER, 17.0, flow=12.1), run(DLT, 20.0))
    assert [target.met for target in slower.targets()] == [False, False]


def test_the_page_shows_what_was_extrapolated_and_what_a_reader_saw() -> None:
    shown = page([MEASURED])
    assert f"| {PIPE} | 10.0 (9.0–14.0) | 1.0 |" in shown
    assert f"| {FOLDER} | the first time | 16.0 | 12.0 | 1.5 | 2.5 | 80 | pipe 3.0, key and index 1.0 |" in shown
    assert f"| {AIRFLOW} | ≈ 120 (from 100,000 rows) | 12.0 |" in shown
    assert f"| {FOLDER} | again, unchanged | 9 | 200 | all |" in shown
    assert f"| {DLT} | again, unchanged | 9 | 3000 | none for a while |" in shown
    assert "A quick run" not in shown


def test_a_quick_run_has_no_targets() -> None:
    quick = part(run(PIPE, 1.0), run(FOLDER, 5.0, flow=3.0), rows=50_000)
    assert list(quick.targets()) == []
    assert "A quick run" in page([quick])


def test_memory_is_compared_between_the_smallest_and_the_largest_wide_table() -> None:
    def loaded(rows: int, peak: int, shape: str = "wide") -> Part:
        return part(Run(FOLDER, "first", rows, Cost(1.0, 1.0, 1.0, peak * 10**6), 0.5), rows=rows, shape=shape)

    narrow = loaded(9_000_000, 900, "narrow")
    (target,) = memory_target([loaded(2_000_000, 170), loaded(5_000_000, 251), narrow, loaded(200_000, 160)])
    assert (target.measured, target.met) == ("91 MB", False)
    assert list(memory_target([loaded(2_000_000, 170), narrow])) == []
