"""`daybook validate`: every problem of a project's files, with its file and line, and without a connection."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from daybook.cli.project.validate import main
from daybook.validation import problem, project_files
from daybook.validation.all_checks import validate

ROOT = Path(__file__).resolve().parents[3]

_TABLE = """\
description: One row per order.
owner: shop
source: {kind: database, block: production, table: shop.orders}
key: [id]
cursor: created_at
interval: day
start: 2021-02-05
load: upsert
columns: {id: bigint, created_at: timestamp}
"""
_SUMMARY = "description: One row per day.\nowner: shop\nkey: [day]\n"
_SELECT = "select cast(created_at as date) as day, count(*) as orders\nfrom raw_data.orders\ngroup by 1\n"
_PROJECT = {
    "daybook.yaml": "name: shop\n",
    "tables/raw_data/orders.yaml": _TABLE,
    "tables/analytics/daily.yaml": _SUMMARY,
    "tables/analytics/daily.sql": _SELECT,
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in {**_PROJECT, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def problems(root: Path, files: Mapping[str, str]) -> list[str]:
    return [str(problem) for problem in validate(write(root, files))[1]]


def test_a_project_without_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({"tables/raw_data/a.yaml": "description: x\nb: [1\n"}, "tables/raw_data/a.yaml:3", "is not YAML"),
        ({"tables/raw_data/a.yaml": _TABLE + "lod: x\n"}, "tables/raw_data/a.yaml:10", "did you mean 'load'"),
        ({"tables/raw_data/a.yaml": _TABLE.replace("load: upsert", "load: up")}, "tables/raw_data/a.yaml:8", "load: "),
        (
            {"tables/raw_data/a.yaml": _TABLE.replace("block:", "blok:")},
            "tables/raw_data/a.yaml:3",
            "source.database.blok: unknown field",
        ),
        ({"tables/raw_data/a.yml": _TABLE}, "tables/raw_data/a.yml", "rename it to a.yaml"),
        (
            {"daybook.yaml": "name: shop\nschemas:\n  raw_dta: {due: null}\n"},
            "daybook.yaml:3",
            "schemas.raw_dta: no table is in the schema raw_dta, so this applies to nothing; did you mean 'raw_data'?",
        ),
        (
            {"daybook.yaml": "sources: {raw_data: {due: null}, production: {}}\n"},
            "daybook.yaml:1",
            "sources.raw_data: no table reads from the block raw_data, so this applies to nothing; the tables have "
            "production: correct it, or remove it",
        ),
        ({"tables/a.yaml": _TABLE}, "tables/a.yaml", "move it to tables/<schema>/"),
        ({"tables/raw_data/b/a.yaml": _TABLE}, "tables/raw_data/b/a.yaml", "move it to tables/raw_data/a.yaml"),
        ({"tables/analytics/a.sql": _SELECT}, "tables/analytics/a.sql", "has no YAML file"),
        ({"tables/raw_data/Orders.yaml": _TABLE}, "tables/raw_data/orders.yaml", "are one table in the warehouse"),
        (
            {"tables/analytics/daily.sql": "select 1 as day\nfrom (\n"},
            "tables/analytics/daily.sql:",
            "cannot be parsed",
        ),
        (
            {"tables/analytics/daily.sql": _SELECT.replace("orders\ng", "ordres\ng")},
            "tables/analytics/daily.sql:2",
            "no file defines raw_data.ordres; did you mean 'raw_data.orders'?",
        ),
        (
            {"tables/analytics/daily.sql": _SELECT.replace("created_at", "created")},
            "tables/analytics/daily.sql:1",
            "no input has the column created",
        ),
        (
            {"tables/analytics/daily.yaml": _SUMMARY.replace("[day]", "[dya]")},
            "tables/analytics/daily.yaml:3",
            "the SELECT returns no column dya",
        ),
        (
            {
                "tables/analytics/daily.sql": "select day from analytics.weekly\n",
                "tables/analytics/weekly.sql": "select day from analytics.daily\n",
                "tables/analytics/weekly.yaml": _SUMMARY,
            },
            "tables/analytics/daily.sql",
            "depend on each other in a cycle",
        ),
        (
            {"tables/raw_data/a.yaml": _TABLE + 'checks:\n  - {sql: "select count( from {table}", equals: 0}\n'},
            "tables/raw_data/a.yaml:11",
            "the check's SQL cannot be parsed",
        ),
        (
            {"tables/raw_data/a.yaml": _TABLE + "checks:\n  - relationship: {column: id, to: raw_data.user.id}\n"},
            "tables/raw_data/a.yaml:11",
            "no file defines raw_data.user",
        ),
        ({"tables/raw_data/a.yaml": _TABLE + 'schedule: "61 6 * * *"\n'}, "tables/raw_data/a.yaml:10", "schedule"),
        (
            {"tables/raw_data/a.yaml": _TABLE + "schedule: {after: raw_data.ordres}\n"},
            "tables/raw_data/a.yaml:10",
            "no file defines raw_data.ordres",
        ),
        (
            {
                "tables/raw_data/a.yaml": _TABLE + "schedule: {after: raw_data.b}\n",
                "tables/raw_data/b.yaml": _TABLE + "schedule: {after: raw_data.a}\n",
            },
            "tables/raw_data/",
            "tables wait for each other",
        ),
        ({"tables/owners.yaml": "owners: {shops: {}}\n"}, "tables/raw_data/orders.yaml:2", "did you mean 'shops'?"),
        ({"tables/raw_data/a.yaml": _TABLE.replace("shop\n", '" "\n', 1)}, "tables/raw_data/a.yaml:2", "owner"),
        (
            {"prefect.yaml": "deployments:\n  - name: daily\n    tags: [daybook, raw_data.gone]\n"},
            "prefect.yaml:3",
            "the deployment daily: no file defines raw_data.gone",
        ),
        (
            {"prefect.yaml": "deployments:\n- {name: a, tags: [daybook], parameters: {table: raw_data.gone}}\n"},
            "prefect.yaml:2",
            "no file defines raw_data.gone",
        ),
        (
            {"flows/own.py": "from daybook.orchestration.tasks import wait_for\nwait_for('raw_data.gone', None)\n"},
            "flows/own.py:2",
            "no file defines raw_data.gone",
        ),
        ({"flows/own.py": "def (\n"}, "flows/own.py:1", "it is not Python"),
        ({"daybook.yaml": "warehouse: orcale\n"}, "daybook.yaml:1", "a orcale database cannot be a warehouse"),
        ({"daybook.yaml": "nmae: shop\n"}, "daybook.yaml:1", "did you mean 'name'"),
    ],
)
def test_a_problem_has_its_file_and_line(tmp_path: Path, files: Mapping[str, str], place: str, message: str) -> None:
    found = problems(tmp_path, files)
    assert any(one.startswith(place) and message in one for one in found), found


def test_all_problems_are_reported_and_not_the_first_one(tmp_path: Path) -> None:
    wrong = _TABLE.replace("load: upsert", "load: up").replace("interval: day", "interval: dya")
    found = problems(tmp_path, {"tables/raw_data/a.yaml": wrong, "tables/raw_data/b.yaml": wrong})
    assert [one.partition(" ")[0] for one in found] == [
        f"tables/raw_data/{file}.yaml:{line}:" for file in "ab" for line in (6, 8)
    ]


def test_tables_of_other_tools_are_listed_as_external(tmp_path: Path) -> None:
    files = {"tables/analytics/daily.sql": "select day from finance.days\n"}
    assert len(problems(tmp_path, files)) == 1
    assert problems(tmp_path, {**files, "daybook.yaml": "external: [finance.*]\n"}) == []


def test_deployments_and_functions_of_others_may_name_anything(tmp_path: Path) -> None:
    files = {
        "prefect.yaml": "deployments:\n- {name: a, tags: [v1.gone], parameters: {table: a.b}}\n",
        "flows/own.py": "from shop import wait_for\nwait_for('raw_data.gone')\n",
    }
    assert problems(tmp_path, files) == []


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    return write(tmp_path, {"tables/raw_data/a.yaml": _TABLE.replace("load: upsert", "load: 'a,b%'")})


def test_the_formats(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("tables/raw_data/a.yaml:8: load: ") and printed.err.startswith(
        "1 problem in 3 tables"
    )
    assert main(["--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["path"], found["line"], found["check"]) == ("tables/raw_data/a.yaml", 8, "fields")
    assert main(["--format", "github"]) == 1
    annotation = capsys.readouterr().out
    assert annotation.startswith("::error file=tables/raw_data/a.yaml,line=8,title=daybook validate::load: ")
    assert "a,b%25" in annotation
    assert main(["--format", "gitlab"]) == 1
    (issue,) = json.loads(capsys.readouterr().out)
    assert issue["location"] == {"path": "tables/raw_data/a.yaml", "lines": {"begin": 8}} and issue["fingerprint"]


def test_without_a_table_it_does_not_say_that_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    assert main([]) == 1


@pytest.mark.servers
def test_it_needs_no_environment_and_imports_no_prefect(tmp_path: Path) -> None:
    write(tmp_path, {})
    code = (
        "import sys; from daybook.cli import main; code = main(['validate', '--format', 'gitlab']); "
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'prefect']; sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


_GROUP = """\
source: {kind: database, block: production, tables: 'shop.*'}
schema: raw_shop
defaults: {owner: shop}
tables:
  carts: {owner: shop}
"""
_TARGETS = {
    "daybook.yaml": "name: shop\ntarget: dev\ntargets:\n  dev: {}\n"
    "  personal: {schema_prefix: '{user}_', where: {'*': a > 1, 'raw_shop.car*': a > 1, raw_data.orders: a > 1}}\n",
    "tables/shop.yaml": _GROUP,
    "tables/shop.tables.yaml": "tables: {carts: {load: replace}, refunds: {load: replace, table: [shop, refunds]}}\n",
    "tables/raw_data/orders.yaml": _TABLE + "schedule: {after: raw_shop.carts}\n",
    "prefect.yaml": "deployments:\n- {tags: [daybook, raw_data.orders], parameters: {table: raw_shop.carts}}\n",
    "flows/own.py": "from daybook.load.planning.plan import plan\n\nplan('raw_data.orders')\n",
}


@pytest.fixture
def of_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current project, whose default target is dev. It has a group file."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    return write(tmp_path, _TARGETS)


@pytest.mark.parametrize("target", ["", "dev", "prod", "personal"])
def test_the_files_are_valid_in_every_target(of_targets: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", target)
    project, found = validate(of_targets)
    assert list(map(str, found)) == []
    assert len(project.tables) == 3 and len(project.summaries) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"tables/analytics/daily.sql": _SELECT.replace("orders\ng", "ordres\ng")},
            "tables/analytics/daily.sql:2: no file defines raw_data.ordres; did you mean 'raw_data.orders'?",
        ),
        ({"tables/raw_data/orders.yaml": _TABLE + "lod: x\n"}, "tables/raw_data/orders.yaml:10: lod: unknown field"),
        (
            {"tables/shop.yaml": _GROUP + "  refunds: {load: nonsense}\n"},
            "tables/shop.yaml:6: tables.refunds: load: no such strategy",
        ),
        (
            {
                "tables/owners.yaml": "owners: {other: {}, shop: {}}\n",
                "tables/shop.yaml": _GROUP.replace("{owner: shop}", "{owner: x}", 1),
            },
            "tables/shop.yaml:3: dev_raw_shop.refunds: owner: tables/owners.yaml does not list 'x'",
        ),
        (
            {"tables/dev_raw_data/other.yaml": _TABLE},
            "daybook.yaml: target dev: tables/raw_data goes to the schema dev_raw_data",
        ),
        (
            {"tables/stage_raw_data/other.yaml": _TABLE, "daybook.yaml": _TARGETS["daybook.yaml"] + "  stage: {}\n"},
            "daybook.yaml:6: target stage: tables/raw_data goes to the schema stage_raw_data",
        ),
        (
            {"daybook.yaml": _TARGETS["daybook.yaml"] + "  stage: {where: {'*': 'a > ('}}\n"},
            "daybook.yaml:6: targets.stage.where.*: line 1, column 5, near '(': this ( is not closed",
        ),
        (
            {"daybook.yaml": _TARGETS["daybook.yaml"] + "  stage:\n    where:\n      raw_data.order: a > 1\n"},
            "daybook.yaml:8: targets.stage.where.raw_data.order: no table of a database has this name, so all rows are "
            "loaded; did you mean 'raw_data.orders'?",
        ),
        (
            {"daybook.yaml": _TARGETS["daybook.yaml"] + "  stage: {where: {'analytics.*': a > 1}}\n"},
            "daybook.yaml:6: targets.stage.where.analytics.*: no table of a database has this name, so all rows are "
            "loaded; name tables of a database as schema.table, or as schema.*",
        ),
        (
            {"daybook.yaml": "target: dve\ntargets: {dev: {}}\n"},
            "daybook.yaml: has no target 'dve'; did you mean 'dev'?",
        ),
        ({"daybook.yaml": "nonsense: 1\n"}, "daybook.yaml:1: nonsense: unknown field"),
    ],
)
def test_problems_name_the_files_in_a_target(of_targets: Path, files: dict[str, str], expected: str) -> None:
    found = problems(of_targets, {**_TARGETS, **files})
    assert any(one.startswith(expected) for one in found), found
    assert not [one for one in found if not one.startswith(expected) and "dev_" in one], found


def test_a_reference_is_looked_up_without_reading_all_names_again(
    of_targets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, the time of the check grows with the square of the number of tables."""
    asked = []
    monkeypatch.setattr(project_files, "kept", lambda name, dialect: asked.append(name) or name)
    check = "checks: [{relationship: {column: id, to: raw_data.orders.id}}]\n"
    problems(of_targets, {**_TARGETS, **{f"tables/raw_data/t{number}.yaml": _TABLE + check for number in range(20)}})
    assert len(asked) < 100


def test_a_list_with_many_problems_is_parsed_once_for_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"  t{number}: {{table: shop.t{number}, load: upsrt}}\n" for number in range(30))
    group = "source: {kind: database, tables: 'shop.*'}\nschema: raw_shop\ndefaults: {owner: shop}\n"
    parsed, parser = list[object](), problem.YAML
    monkeypatch.setattr(problem, "YAML", lambda **given: parsed.append(given) or parser(**given))
    found = problems(tmp_path, {"tables/shop.yaml": group, "tables/shop.tables.yaml": f"tables:\n{lines}"})
    assert len(found) == 30 and len(parsed) == 1
    assert found[7].startswith("tables/shop.tables.yaml:9: tables.t7: load: no such strategy")
