"""`daybook init`: the files of a new project, and what it does with files that exist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from daybook import __version__
from daybook.cli.project.init import main
from daybook.cli.project.validate import main as validate
from daybook.definitions.project_file import read_project
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import table_names
from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.automations.spec import automations_file, read
from daybook.orchestration.deploy.deploy_plan import declared
from daybook.orchestration.notifications.routing import read_owners
from daybook.project import VARIABLE, project_root


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    urls = [f"DAYBOOK_{name}_URL" for name in ("PRODUCTION", "WAREHOUSE", "STAGE")]
    for variable in (VARIABLE, *urls, "PREFECT_API_URL", "PREFECT_PROFILE", "UV"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / ".."))  # not the profile of whoever runs the tests
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_project_is_valid_and_describes_no_table_yet(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shop", "--owner", "Data & BI"]) == 0
    steps = [line for line in capsys.readouterr().out.split("Next:")[1].splitlines() if line.startswith("  ")]
    assert steps[0].startswith("  cd shop && ") and steps[-1].startswith("  daybook deploy")
    monkeypatch.chdir(folder / "shop" / "tables" / "analytics")
    assert project_root() == folder / "shop"
    project = read_project()
    assert (project.name, project.defaults) == ("shop", {"owner": "Data & BI"})
    assert table_names() == summary_names() == []
    assert read_owners().default == {"slack": "#data-alerts"}
    assert automations_file().is_file() and len(read()) > 5
    assert validate([]) == 0, capsys.readouterr().out


def test_daybook_deploy_makes_what_every_project_needs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["shop"])
    monkeypatch.chdir(folder / "shop")
    names = {one.full_name for one in declared(read_project(), current_target())}
    assert {"load-table/on-demand", "backfill/on-demand", "catch-up/daily", "monitor/on-event"} <= names
    assert not {name for name in names if name.startswith(("nps", "stock"))}
    assert not Path("prefect.yaml").exists(), (
        "each deployment has one maker, and `prefect deploy --all` fails without entries"
    )


def test_the_deployment_of_the_example_flow_is_there_to_be_renamed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["shop"])
    monkeypatch.chdir(folder / "shop")
    Path("flows/example.py.example").rename("flows/example.py")
    (one,) = YAML(typ="safe").load(Path("prefect.yaml.example"))["deployments"]
    flow = load_flow_from_entrypoint(one["entrypoint"])
    assert f"{flow.name}/{one['name']}" == "example/daily"
    assert one["tags"] == ["daybook", "raw_data.orders"], "the table that the flow loads"


def test_the_example_summary_is_valid_once_it_has_its_final_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["shop"])
    examples = folder / "shop" / "tables" / "analytics"
    for path in examples.glob("*.example"):
        path.rename(path.with_suffix(""))
    monkeypatch.chdir(folder / "shop")
    assert summary_names() == ["analytics.orders_by_day"]
    assert read_summary("analytics.orders_by_day").owner == "data-team"


def test_the_example_flow_is_found_in_the_folder_of_the_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package has a folder `flows`, too, which must not hide it."""
    main(["shop"])
    monkeypatch.chdir(folder / "shop")
    Path("flows/example.py.example").rename("flows/example.py")
    assert load_flow_from_entrypoint("flows/example.py:example").name == "example"


def test_the_next_commands_use_uv_if_uvx_ran_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV", "/usr/bin/uv")
    main(["shop"])
    assert (
        "  cd shop && uv venv && . .venv/bin/activate && uv pip install -r requirements.txt\n"
        in capsys.readouterr().out
    )


def test_the_requirements_pin_the_release_and_the_extras_of_the_servers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pins() -> str:
        main(["shop", "--force"])
        return (folder / "shop" / "requirements.txt").read_text().splitlines()[-1]

    assert pins() == f"prefect-daybook=={__version__}"
    monkeypatch.setenv("DAYBOOK_STAGE_URL", "s3://bucket/stage")
    assert pins() == f"prefect-daybook[s3]=={__version__}"
    monkeypatch.setenv("DAYBOOK_WAREHOUSE_URL", "redshift+psycopg2://host/dwh")
    assert pins() == f"prefect-daybook[redshift]=={__version__}"
    main(["shop", "--force", "--extras", "sheets,parquet"])
    assert "prefect-daybook[parquet,sheets]==" in (folder / "shop" / "requirements.txt").read_text()


def test_a_second_time_it_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["shop"])
    capsys.readouterr()
    assert main(["shop"]) == 0
    assert "has all files already" in capsys.readouterr().out


def test_files_that_exist_are_named_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "README.md").write_text("Ours.")
    assert main([]) == 1
    assert "  README.md\n" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["README.md"]


def test_keep_leaves_every_file_and_force_leaves_those_of_tables(folder: Path) -> None:
    main(["shop"])
    shop = folder / "shop"
    users = ("README.md", "daybook.yaml", "tables/owners.yaml", "tables/analytics/orders_by_day.sql.example")
    for name in users:
        (shop / name).write_text("name: ours")
    assert main(["shop", "--keep"]) == 0
    assert {(shop / name).read_text() for name in users} == {"name: ours"}
    assert main(["shop", "--force"]) == 0
    assert (shop / "README.md").read_text().startswith("# shop")
    assert {(shop / name).read_text() for name in users[1:]} == {"name: ours"}
    assert main(["shop"]) == 1, "the files of the user still differ"


def test_a_repository_with_an_origin_is_cloned_by_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybook.cli.project.init._origin", lambda root: "git@git.example.com:data/shop.git")
    main(["shop"])
    (step,) = YAML(typ="safe").load(folder / "shop" / "prefect.yaml.example")["pull"]
    assert step == {
        "prefect.deployments.steps.git_clone": {"repository": "git@git.example.com:data/shop.git", "branch": "main"}
    }
    assert read_project(folder / "shop").pull == [step], "`daybook deploy` reads this one"


def test_variables_that_are_set_are_no_next_step_and_the_servers_are_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = list[Path]()

    def doctor(arguments: list[str]) -> int:
        checked.append(project_root())
        raise RuntimeError("a bug")

    monkeypatch.setattr("daybook.cli.project.doctor.main", doctor)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example.com/api")
    monkeypatch.setenv("DAYBOOK_STAGE_URL", "s3://bucket/stage")
    assert main(["shop"]) == 0, "a problem of a server is no failure"
    printed = capsys.readouterr().out
    assert "daybook doctor could not run: RuntimeError: a bug" in printed
    assert "export DAYBOOK_PRODUCTION_URL=" in printed
    assert "export PREFECT_API_URL" not in printed and "export DAYBOOK_STAGE_URL" not in printed
    assert checked == [folder / "shop"] and VARIABLE not in os.environ


def test_another_project_that_would_be_used_instead_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["shop"])
    capsys.readouterr()
    assert main(["shop/inner"]) == 0
    assert f"inside of another project, {folder / 'shop'}." in capsys.readouterr().out
    monkeypatch.setenv(VARIABLE, str(folder / "shop"))
    main(["second"])
    assert f"unset {VARIABLE}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("日本", 2, "has no name to use for the project"),
        ("file", 2, "is a file: name another folder"),
        ("file/shop", 1, "Not a directory"),
    ],
)
def test_a_folder_that_cannot_be_a_project_is_refused(
    name: str, code: int, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()
    assert main([name]) == code
    assert says in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.servers
def test_help_does_nothing(folder: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0 and not list(folder.iterdir())
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", _IMPORTS], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", "it answers at once, without Prefect"


_IMPORTS = "import sys, daybook.cli.project.init; print([name for name in sys.modules if name.startswith('prefect')])"
