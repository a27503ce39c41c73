"""The wheel, in an empty virtual environment, as a company uses it: in a folder outside of the repository."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from daybook.cli.commands import COMMANDS
from tests.support.flow_fixtures import LiveWarehouse, Production

ROOT = Path(__file__).parents[2]
DAY = date(2021, 2, 5)
ORDERS = """\
description: One order a row.
owner: shop
source: {kind: database, block: production, table: prod.nps}
key: [id]
cursor: created_at
interval: day
timezone: UTC
start: 2021-02-01
load: replace_interval
"""
#: Asks each command for its help in one process, so that Prefect is imported once. Prints which ended well.
EVERY_HELP = """
import contextlib, io, json, sys
from daybook.cli import main
from daybook.cli.commands import COMMANDS
usages = {}
for name in COMMANDS:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            main([name, "--help"])
        except SystemExit as left:
            assert left.code == 0, (name, left.code)
    usages[name] = printed.getvalue().splitlines()[0]
origin = {name: module.__file__ for name, module in sys.modules.items() if name.startswith("daybook.flows.")}
print(json.dumps([usages, origin]))
"""
#: What a deployment of a company's own prefect.yaml names as its entrypoint.
ENTRYPOINT = """
from prefect.flows import load_flow_from_entrypoint
print(load_flow_from_entrypoint("daybook.flows.load_table:load_table").name)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


def index() -> dict[str, str]:
    """Return the variable by which uv uses the package index of pip's settings, which it does not read."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    url = os.environ.get("PIP_INDEX_URL") or subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return {"UV_DEFAULT_INDEX": url} if url and "UV_DEFAULT_INDEX" not in os.environ else {}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a virtual environment with the wheel and what it needs, without any extra."""
    folder = tmp_path_factory.mktemp("wheel")
    for command in (
        ["build", "--wheel", "--out-dir", str(folder), str(ROOT)],
        ["venv", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "--python", str(folder / "venv"), "--constraint", str(ROOT / "requirements.txt"), "WHEEL"],
    ):
        wheel = [str(path) for path in folder.glob("*.whl")]
        arguments = [*command[:-1], *wheel] if command[-1] == "WHEEL" else command
        uv = [sys.executable, "-m", "uv", *arguments, "--quiet"]
        done = subprocess.run(uv, cwd=folder, env=os.environ | index(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company's folder: a table file, and packages of its own that are called as ours are in the repository."""
    (tmp_path / "tables" / "shop").mkdir(parents=True)
    (tmp_path / "tables" / "shop" / "orders.yaml").write_text(ORDERS, encoding="utf-8")
    for name in ("flows", "blocks", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"raise ImportError('the {name} of the company')\n", encoding="utf-8"
        )
    return tmp_path


@pytest.fixture
def run(installed: Path, company: Path) -> Run:
    """Run a program of the environment in the company's folder."""

    def run(program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DAYBOOK_PROJECT")}
        command = [str(installed / program), *arguments]
        return subprocess.run(command, cwd=company, env=kept | variables, capture_output=True, text=True)

    return run


@pytest.mark.full
@pytest.mark.servers
def test_every_command_explains_itself_by_the_flows_in_the_wheel(run: Run, installed: Path) -> None:
    listed = run("daybook", "--help")
    assert listed.returncode == 0, listed.stderr
    assert all(name in listed.stdout for name in COMMANDS)
    done = run("python", "-c", EVERY_HELP)
    assert done.returncode == 0, done.stderr
    usages, origin = json.loads(done.stdout)
    assert usages.keys() == COMMANDS.keys()
    assert all(usage.startswith(f"usage: daybook {name} [-h]") for name, usage in usages.items())
    assert {Path(file).parents[3] for file in origin.values()} == {installed.parent / "lib" / _python()}
    assert run("python", "-m", "daybook", "--help").stdout == listed.stdout


def _python() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def test_a_table_of_the_companys_own_is_loaded(
    run: Run, company: Path, prefect_server: str, production: Production, on_postgres: LiveWarehouse
) -> None:
    on_postgres.empty()
    on_postgres.run("DROP SCHEMA IF EXISTS shop CASCADE")
    production.fill(DAY, 10)
    made = run("daybook", "blocks", "--force", DAYBOOK_PRODUCTION_URL=production.url, **on_postgres.variables)
    assert made.returncode == 0, made.stderr
    assert "LocalFileSystem/stage" in made.stdout

    loaded = run("daybook", "load", "shop.orders", DAY.isoformat())

    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert on_postgres.run("SELECT id, created_at, score FROM shop.orders ORDER BY 2, 1, 3") == production.rows()
    ledger = "SELECT rows_loaded FROM daybook.ledger WHERE table_name = 'shop.orders'"
    assert on_postgres.run(ledger) == [(10,)]


@pytest.mark.servers
def test_a_command_whose_extra_is_missing_says_how_to_install_it(run: Run) -> None:
    missing = run("daybook", "stack", "status")
    assert missing.returncode == 1
    assert missing.stderr == (
        "ExtraMissing: the Python package 'psutil' is not installed: run pip install 'prefect-daybook[demo]'\n"
    )


def test_a_stage_on_s3_names_its_extra(run: Run, prefect_server: str) -> None:
    made = run("daybook", "blocks", DAYBOOK_STAGE_URL="s3://lake/stage", AWS_REGION="eu-west-1")
    assert made.returncode == 1
    assert "run pip install 'prefect-daybook[s3]'" in made.stderr and "Traceback" not in made.stderr


@pytest.mark.servers
def test_a_notebook_loads_without_prefect_and_a_deployment_names_a_flow(run: Run) -> None:
    code = "import sys, daybook.load.load; print([name for name in sys.modules if name.startswith('prefect')])"
    assert run("python", "-c", code).stdout == "[]\n"
    named = run("python", "-c", ENTRYPOINT)
    assert named.stdout == "load-table\n", named.stderr
