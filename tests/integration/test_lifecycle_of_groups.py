"""The lifecycle commands with a group file: `tables`, `reset`, `rename`, `remove`, and what they print for scripts."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybook.cli.tables import list as tables
from daybook.cli.tables import remove, rename, reset
from daybook.cli.tables.ends import Ends
from daybook.definitions.table_files import read_table
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

Command = Callable[..., int]


class Fakes:
    """The warehouse of a test, and a server without runs, deployments and automations."""

    def __init__(self, ends: Endpoints) -> None:
        self._ends = ends

    def warehouse(self) -> Any:
        return self._ends.warehouse

    @contextmanager
    def server(self) -> Iterator[Any]:
        reads = ("read_flow_runs", "read_deployments", "read_automations")
        yield SimpleNamespace(**dict.fromkeys(reads, lambda **given: []))


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with source_database("postgres", request) as source, ends_of(source, "postgres-folder", request, tmp_path) as both:
        source.run("CREATE TABLE orders (id int PRIMARY KEY)")
        source.run("INSERT INTO orders VALUES (1), (2)")
        yield both


@pytest.mark.servers
def test_a_table_of_a_group(ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, raw, server = tmp_path / "tables", ends.destination.namespace, Fakes(ends)
    folder.mkdir()
    group = folder / "shop.yaml"
    group.write_text(
        f"source: {{kind: database, tables: 'public.*'}}\nschema: {raw}\ndefaults: {{owner: us}}\n", encoding="utf-8"
    )
    listed = "  {}: {{table: public.orders, load: replace, key: [id]}}\n"
    (folder / "shop.tables.yaml").write_text("tables:\n" + listed.format("orders"), encoding="utf-8")

    def run(command: Any, *arguments: str) -> tuple[int, str]:
        code = command.main(arguments, "daybook", server, folder)
        return code, capsys.readouterr().out

    def plan(command: Any, *arguments: str) -> dict[str, Any]:
        code, out = run(command, *arguments, "--dry-run", "--json")
        assert code == 0
        return dict(json.loads(out))

    ends.load(read_table(f"{raw}.orders", folder))
    (row,) = json.loads(run(tables, "--json")[1])
    assert (row["name"], row["kind"], row["state"], row["owner"]) == (f"{raw}.orders", "database", "loaded", "us")

    planned = plan(reset, "orders")
    assert planned.pop("loaded_until")
    assert planned == {
        **{"table": f"{raw}.orders", "has_file": True, "in_warehouse": "a table"},
        **{"rows": "delete", "ledger": "close"},
    }
    assert "2 rows were deleted" in run(reset, "orders", "--yes")[1]
    (row,) = json.loads(run(tables, "--json")[1])
    assert row["state"] == "never loaded"

    with pytest.raises(SystemExit, match=rf"ChangeRefused: {raw}.orders is in the list of {group}") as refused:
        run(rename, "orders", f"{raw}.purchases", "--yes")
    command = f"daybook describe production public.orders --name {raw}.orders --write"
    assert f"Give it a file of its own: {command}. Then rename it" in str(refused.value)
    own = folder / raw / "orders.yaml"
    own.parent.mkdir()
    own.write_text("description: x\nowner: us\nsource: {kind: database, table: public.orders}\nload: replace\n")
    both = "tables:\n" + listed.format("orders") + listed.format("others")
    (folder / "shop.tables.yaml").write_text(both, encoding="utf-8")
    planned = plan(rename, "orders", f"{raw}.purchases")
    assert (planned["new"], planned["group"]) == (f"{raw}.purchases", str(group))
    _, said = run(rename, "orders", f"{raw}.purchases", "--yes")
    line = f"- its line in {folder / 'shop.tables.yaml'}: deleted, and public.orders is excluded in shop.yaml"
    assert line in said and f"Its file is {own.with_name('purchases.yaml')}" in said
    assert (folder / "shop.tables.yaml").read_text("utf-8") == "tables:\n" + listed.format("others")
    assert group.read_text("utf-8").splitlines()[0] == (
        "source: {kind: database, exclude: [public.orders], tables: 'public.*'}"
    )

    ends.load(read_table(f"{raw}.others", folder))
    planned = plan(remove, "others", "--archive")
    assert (planned["fate"], planned["archive"], planned["group"]) == ("archive", "archive", str(group))
    assert (planned["deployments"], planned["files"]) == ({"delete": []}, {"keep": []})
    assert f"- its line in {folder / 'shop.tables.yaml'}: stays" in run(remove, "others", "--dry-run")[1]
    code, said = run(remove, "others", "--drop", "--yes")
    assert (
        code == 0 and f"{folder / 'shop.tables.yaml'} still lists it, so catch-up and the next deploy load it" in said
    )
    assert f"by hand, also add its name in the source to exclude: in {group}" in said

    code, said = run(remove, "others", "--delete-file", "--yes")
    assert code == 0 and "public.orders is excluded in shop.yaml" in said and "still lists it" not in said
    assert (folder / "shop.tables.yaml").read_text("utf-8") == "tables: {}\n"


def test_json_is_for_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unused: Ends = None  # type: ignore[assignment]
    for command, names in ((reset, ["a"]), (rename, ["a", "b.c"]), (remove, ["a"])):
        with pytest.raises(SystemExit) as refused:
            command.main([*names, "--json"], "daybook", unused, tmp_path)
        assert refused.value.code == 2 and "--json prints the plan: add --dry-run" in capsys.readouterr().err
