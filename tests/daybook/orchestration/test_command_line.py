"""`python -m flows.load_table …` as a person types it: exit codes, and what is said when it goes wrong."""

import os
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from daybook.orchestration import command_line
from daybook.orchestration.command_line import run
from flows.load import load
from flows.load_table import load_table
from flows.summaries import summaries
from tests.support.backfills import populate
from tests.support.declared_blocks import delete_blocks
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.preloaded import command
from tests.support.servers.ports import free_port

ROOT = Path(__file__).parents[3]
DAY = date(2021, 2, 5)
WRONG = "hunter2-is-wrong"

pytestmark = pytest.mark.usefixtures("small_project")


@pytest.fixture
def typed(prefect_server: str, preloaded_python: str) -> Callable[..., tuple[int, str]]:
    """Return a function that runs `python -m …`, and returns the exit code and all that the terminal shows."""

    def typed(*arguments: str, **variables: str) -> tuple[int, str]:
        done = subprocess.run(
            command(preloaded_python, *arguments),
            cwd=ROOT,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    return typed


def last_line(said: str) -> str:
    """What the eye falls on, before what Prefect's own threads may add while it ends."""
    return [line for line in said.strip().splitlines() if "EventsWorker" not in line][-1]


def test_a_day_is_loaded(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
    typed: Callable[..., tuple[int, str]],
) -> None:
    on_postgres.empty()
    production.fill(DAY, 10)
    use(on_postgres)

    code, said = typed("flows.load_table", "raw_data.nps", "2021-02-05")

    assert code == 0, said
    assert on_postgres.rows() == production.rows()
    assert "raw_data.nps 2021-02-05: 10 rows" in said
    assert "daybook.load.load - raw_data.nps 2021-02-05: committed 10 rows" in said


def test_scattered_days_are_one_load(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[[LiveWarehouse], None],
    typed: Callable[..., tuple[int, str]],
) -> None:
    on_postgres.empty()
    populate(production, 4, 10)
    use(on_postgres)

    code, said = typed("flows.load_table", "raw_data.nps", "--intervals", "2021-02-08", "2021-02-05", "2021-02-06")

    assert code == 0, said
    assert "raw_data.nps 2021-02-05 until 2021-02-07, 2021-02-08: 30 rows" in said
    assert [row for row in production.rows() if row[1].day != 7] == on_postgres.rows()
    assert on_postgres.run("SELECT count(*), count(DISTINCT load_id) FROM daybook.ledger") == [(3, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-30", "'2021-02-30' is not a valid date or time"),
        ("yesterday", "'yesterday' is not a date or time: expected 2021-02-05"),
    ],
)
def test_a_bad_date_is_refused_before_anything_runs(
    text: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(load_table, ["raw_data.nps", text])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "usage: python -m flows.load_table" in said


@pytest.mark.parametrize(
    ("flow", "typed", "given"),
    [
        (load_table, ["user_session_channel"], {"table": "raw_data.user_session_channel"}),
        (load_table, ["raw_data.user_session_channel"], {"table": "raw_data.user_session_channel"}),
        (summaries, ["nps_summary"], {"tables": ["analytics.nps_summary"]}),
        (
            load_table,
            ["user_sesion_channel"],
            "no table or summary has the name 'user_sesion_channel'; did you mean 'raw_data.user_session_channel'?",
        ),
        (summaries, ["nps_sumary"], "did you mean 'analytics.nps_summary'?"),
        (load, ["raw_data.n*", "user_session_channel"], {"tables": ["raw_data.nps", "raw_data.user_session_channel"]}),
        (load, ["*.nps", "nps", "raw_data.nps"], {"tables": ["raw_data.nps"]}),
        (load, ["shop.*"], "no table or summary matches 'shop.*': try raw_data.*"),
        (load, [], "the following arguments are required: tables"),
        (load, ["nps", "--execution-date", "2021-02-05"], {"execution_date": DAY}),
        (load_table, ["nps", "--intervals", "2021-02-05"], {"intervals": [DAY]}),
    ],
)
def test_a_name_needs_no_schema(
    flow: Any, typed: list[str], given: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called = list[dict[str, Any]]()
    monkeypatch.setattr(command_line, "announce_server", lambda: None)
    monkeypatch.setattr(command_line, "_check_server", lambda: None)
    monkeypatch.setattr(type(flow), "with_options", lambda self, **options: lambda **given: called.append(given))
    if isinstance(given, str):
        with pytest.raises(SystemExit):
            run(flow, typed)
        assert given in capsys.readouterr().err and not called
    else:
        run(flow, typed)
        assert given.items() <= called[0].items()


def test_help_explains_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run(load_table, ["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "usage: python -m flows.load_table" in said
    for argument in ("table", "execution_date", "until", "--full-refresh", "--allow-shrink"):
        assert argument in said
    assert "Replace the whole table" in said


def test_a_day_that_is_not_over_yet_names_the_last_one_that_is(typed: Callable[..., tuple[int, str]]) -> None:
    code, said = typed("flows.load_table", "raw_data.nps", (date.today() + timedelta(days=3)).isoformat())
    assert code == 1
    assert "Traceback" not in said
    assert last_line(said).startswith("IntervalError: raw_data.nps: ")
    assert "The last complete day is" in last_line(said)


def test_a_missing_block_is_named_with_its_variable(prefect_server: str, typed: Callable[..., tuple[int, str]]) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        delete_blocks(client)

    code, said = typed("flows.load_table", "raw_data.nps", "2021-02-05")

    assert code == 1
    assert "Traceback" not in said
    assert "SqlAlchemyConnector/warehouse is missing: set DAYBOOK_WAREHOUSE_URL" in last_line(said)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("DAYBOOK_WAREHOUSE_URL", "password authentication failed"),
        ("DAYBOOK_PRODUCTION_URL", "Access denied for user 'root'"),
    ],
)
def test_a_wrong_password_is_told_without_showing_it(
    variable: str,
    expected: str,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
    typed: Callable[..., tuple[int, str]],
) -> None:
    urls = on_postgres.variables | {"DAYBOOK_PRODUCTION_URL": production.url}
    use(on_postgres, **{variable: make_url(urls[variable]).set(password=WRONG).render_as_string(hide_password=False)})

    code, said = typed("flows.load_table", "raw_data.nps", "2021-02-05")

    assert code == 1
    assert "Traceback" not in said
    assert expected in said
    assert WRONG not in said


def test_a_server_that_is_down_is_tried_again_and_then_told_with_the_whole_story(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In this process, where it can be made to give up sooner than after the better part of a minute."""
    monkeypatch.setattr("daybook.sql.retries.ATTEMPTS", 2)
    down = make_url(production.url).set(port=free_port()).render_as_string(hide_password=False)
    use(on_postgres, DAYBOOK_PRODUCTION_URL=down)

    with pytest.raises(SystemExit) as left:
        run(load_table, ["raw_data.nps", "2021-02-05"])

    assert str(left.value).startswith("SourceLost: raw_data.nps 2021-02-05: ")
    assert "\n- try 1 of 2: " in str(left.value)
    shown = str(left.value) + capfd.readouterr().err
    assert "Traceback" not in shown
    assert str(make_url(down).password) not in shown
