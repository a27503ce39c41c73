"""The documents say what is there: commands, files, columns and names that a reader would type."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from daybook import DISTRIBUTION, __version__
from daybook.cli.commands import COMMANDS
from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema
from daybook.errors import DaybookError
from daybook.ledger.ledger import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md")))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    mentioned = set(
        re.findall(r"`((?:daybook|tests|flows|blocks|deployments|tables|benchmarks|docs)/[\w./-]*)`", text(document))
    )
    linked = set(re.findall(r"\]\((?!http)([^)#]+)\)", text(document)))
    examples = {f"tables/raw_data/{name}.yaml" for name in ("orders", "clicks", "exchange_rates")}
    examples |= {"tables/shop.yaml", "tables/shop.tables.yaml", "tables/raw_shop/orders.yaml"}
    here = (ROOT / document).parent
    missing = [path for path in mentioned - examples if not (ROOT / path).exists()]
    missing += [path for path in linked if not (here / path).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_a_document_names_is_there(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text(document), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_that_a_document_runs_is_there(document: str) -> None:
    for module in re.findall(r"python -m ((?:flows|blocks|daybook|deployments|benchmarks)(?:\.\w+)*)", text(document)):
        path = ROOT / Path(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


#: What people type: each of these had this name before the command `daybook`, and keeps it.
TYPED = (
    *(f"flows.{path.stem}" for path in ROOT.glob("flows/[a-z]*.py")),
    *("flows.prometheus", "blocks", "daybook.describe", "daybook.summary", "daybook.tables"),
    *("deployments.local", "deployments.local.server", "deployments.automations"),
)


@pytest.mark.parametrize("module", TYPED)
def test_every_module_that_people_run_runs_something(module: str) -> None:
    path = ROOT / Path(*module.split("."))
    code = (path / "__main__.py") if path.is_dir() else path.with_suffix(".py")
    assert 'if __name__ == "__main__":' in code.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_document_names_is_there(document: str) -> None:
    named = set(re.findall(r"(?:^|`|bin/)daybook ([a-z][\w-]*)", text(document), re.MULTILINE))
    assert named <= COMMANDS.keys()


#: What names the package: not the command `daybook`, and not the file of a wheel.
NAMED = re.compile(r"(?<![\w-])daybook(?:\[[a-z,]+\]|==)|uvx daybook|pip install -?U? ?daybook\b")


def test_the_package_has_its_name_and_its_version_wherever_somebody_installs_it() -> None:
    templates = [path for path in (ROOT / "daybook" / "scaffold" / "templates").rglob("*") if path.is_file()]
    files = [ROOT / name for name in DOCUMENTS] + templates + list((ROOT / "daybook").rglob("*.py"))
    wheels = set[str]()
    for path in files:
        content = path.read_text(encoding="utf-8")
        wrong = [found[0] for found in NAMED.finditer(content) if found[0] != "pip install -U daybook"]  # a warning
        assert not wrong, path
        wheels |= set(re.findall(r"(\w+-[\d.]+)-py3-none-any\.whl", content))
    assert wheels == {f"{DISTRIBUTION.replace('-', '_')}-{__version__}"}


def test_every_flow_has_a_command() -> None:
    flows = {path.stem for path in ROOT.glob("flows/[a-z]*.py")} - {
        "prometheus",
        "load",
    }  # `daybook load` is the flow load_table
    targets = {command.target.partition(":")[0].rpartition(".")[2] for command in COMMANDS.values()}
    assert flows <= targets


def test_the_reference_lists_the_ledgers_columns() -> None:
    section = text("docs/reference/schema-daybook.md").split("\n## ledger\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(COLUMNS)


@pytest.mark.parametrize("document", ["README.md", "docs/guides/load-a-table.md"])
def test_a_documents_table_file_is_one(document: str) -> None:
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", text(document), re.DOTALL) if "source:" in block)
    table = Table(name="raw_data.orders", **YAML(typ="safe", pure=True).load(example))
    assert (table.load, table.interval) == ("upsert", "day")


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("docs/guides/load-a-table.md", "orders-daily"),
        ("docs/guides/audit.md", "orders-weekly"),
    ],
)
def test_a_documents_deployment_fits_into_prefect_yaml(document: str, name: str) -> None:
    entry = next(
        block for block in re.findall(r"```yaml\n(.*?)```", text(document), re.DOTALL) if "entrypoint" in block
    )
    deployments = YAML(typ="safe", pure=True).load(text("prefect.yaml").rstrip() + "\n\n" + entry)["deployments"]
    assert deployments[-1]["name"] == name
    assert deployments[-1]["work_pool"] == deployments[0]["work_pool"]


def test_the_deploy_guides_yaml_fits_into_prefect_yaml() -> None:
    guide = text("docs/guides/deploy.md")
    pulls, images, retries = (
        [block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if word in block]
        for word in ("pull:", "image:", "RETRIES")
    )
    yaml = YAML(typ="safe", pure=True)
    steps = [step for block in pulls for entry in yaml.load(block)["pull"] for step in entry]
    assert len(steps) == 3
    assert all(callable(getattr(import_module(module), name)) for module, _, name in (s.rpartition(".") for s in steps))
    deployment = yaml.load(text("prefect.yaml").rstrip() + "\n\n  - name: slow\n" + retries[0])["deployments"][-1]
    own = yaml.load(images[0])["definitions"]["work_pool"]
    assert deployment["work_pool"]["name"] == own["name"] == "daybook"
    variables = deployment["work_pool"]["job_variables"]["env"]
    assert own["job_variables"]["env"].items() < variables.items()
    assert all(f"`{name}`" in text("docs/reference/environment.md") for name in variables)


def test_a_guide_and_the_reference_explain_every_strategy() -> None:
    strategies = json_schema()["properties"]["load"]["enum"]
    table = text("docs/guides/load-a-table.md").split("| `load:` |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == strategies
    (field,) = re.findall(r"^\| `load` \|.*$", text("docs/reference/table-file.md"), re.MULTILINE)
    assert sorted(re.findall(r"(\w+): ", field.split("| required |")[1])) == strategies


def test_the_tree_of_errors_is_whole() -> None:
    def below(error: type[Exception]) -> set[str]:
        return {error.__name__}.union(
            *(below(child) for child in error.__subclasses__() if child.__module__ == "daybook.errors")
        )

    tree = text("daybook/errors.py").split('"""')[1]
    assert below(DaybookError) == {name for name in re.findall(r"(\w+)  ", tree) if name[0].isupper()} | {
        "DaybookError"
    }
