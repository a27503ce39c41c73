"""`daybook init`: the files of a new project, and what it does with files that exist."""

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
from daybook.orchestration.automations.spec import automations_file, read
from daybook.orchestration.notifications.routing import read_owners
from daybook.project import VARIABLE, project_root


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in (VARIABLE, "DAYBOOK_WAREHOUSE_URL", "DAYBOOK_STAGE_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_project_is_valid_and_describes_no_table_yet(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shop", "--owner", "Data & BI"]) == 0
    printed = capsys.readouterr().out
    assert len([line for line in printed.split("Next:")[1].splitlines() if line.startswith("  ")]) == 3
    monkeypatch.chdir(folder / "shop" / "tables" / "analytics")
    assert project_root() == folder / "shop"
    project = read_project()
    assert (project.name, project.defaults) == ("shop", {"owner": "Data & BI"})
    assert table_names() == summary_names() == []
    assert read_owners().default == {"slack": "#data-alerts"}
    assert automations_file().is_file() and len(read()) > 5
    assert validate([]) == 0, capsys.readouterr().out


def test_its_deployments_name_flows_of_the_package_and_no_example(folder: Path) -> None:
    main(["shop"])
    deployments = YAML(typ="safe").load(folder / "shop" / "prefect.yaml")["deployments"]
    flows = [load_flow_from_entrypoint(one["entrypoint"]) for one in deployments]
    assert all(one["entrypoint"].startswith("daybook.flows.") for one in deployments)
    names = {f"{flow.name}/{one['name']}" for flow, one in zip(flows, deployments, strict=True)}
    assert {"load-table/on-demand", "backfill/on-demand", "catch-up/daily", "monitor/on-event"} <= names
    assert not {name for name in names if name.startswith(("nps", "stock"))}
    assert all("daybook" in one["tags"] for one in deployments)


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


def test_the_requirements_pin_the_release_and_the_extras_of_the_servers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pins() -> str:
        main(["shop", "--force"])
        return (folder / "shop" / "requirements.txt").read_text().splitlines()[-1]

    assert pins() == f"daybook=={__version__}"
    monkeypatch.setenv("DAYBOOK_STAGE_URL", "s3://bucket/stage")
    assert pins() == f"daybook[s3]=={__version__}"
    monkeypatch.setenv("DAYBOOK_WAREHOUSE_URL", "redshift+psycopg2://host/dwh")
    assert pins() == f"daybook[redshift]=={__version__}"
    main(["shop", "--force", "--extras", "sheets,parquet"])
    assert "daybook[parquet,sheets]==" in (folder / "shop" / "requirements.txt").read_text()


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
    (step,) = YAML(typ="safe").load(folder / "shop" / "prefect.yaml")["pull"]
    assert step == {
        "prefect.deployments.steps.git_clone": {"repository": "git@git.example.com:data/shop.git", "branch": "main"}
    }


@pytest.mark.servers
def test_help_does_nothing(folder: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0 and not list(folder.iterdir())
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", _IMPORTS], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", "it answers at once, without Prefect"


_IMPORTS = "import sys, daybook.cli.project.init; print([name for name in sys.modules if name.startswith('prefect')])"
