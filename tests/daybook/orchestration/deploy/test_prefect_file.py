"""An entry of prefect.yaml that `daybook deploy` makes, too, is named: both together make two schedules."""

from pathlib import Path

import pytest

from daybook.cli.project.init import main as init
from daybook.cli.project.upgrade import main as upgrade
from daybook.orchestration.deploy.prefect_file import declared_twice

#: As `daybook init` of the first releases wrote it, and an entry of the project's own.
ENTRIES = """\
deployments:
  - {name: on-demand, entrypoint: daybook.flows.load_table.load_table}
  - {name: daily, entrypoint: daybook.flows.catch_up:catch_up}
  - {name: daily, entrypoint: flows/shop.py:shop}
"""
SAYS = (
    "prefect.yaml has catch-up/daily, load-table/on-demand, which `daybook deploy` makes, too. Delete these entries "
    "from prefect.yaml: otherwise, `prefect deploy --all` gives them a second schedule"
)
NAMES = ["catch-up/daily", "load-table/on-demand", "monitor/on-event"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENTRIES, SAYS),
        ("deployments: [{name: daily, entrypoint: flows/shop.py:shop}, {name: x}]\n", None),
        ("deployments: []\n", None),
        ("deployments: {name: daily", None),
        ("", None),
        (None, None),
    ],
)
def test_entries_with_the_name_of_a_deployment_of_the_project_are_found(
    text: str | None, expected: str | None, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "prefect.yaml").write_text(text)
    assert declared_twice(tmp_path, NAMES) == expected


def test_an_upgrade_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAYBOOK_PROJECT", raising=False)
    assert init(["shop"]) == 0
    monkeypatch.chdir(tmp_path / "shop")
    assert upgrade(["--files-only"]) == 0
    assert capsys.readouterr().err == ""
    Path("prefect.yaml").write_text(ENTRIES)
    assert upgrade(["--files-only"]) == 0
    assert capsys.readouterr().err == f"{SAYS}\n"
    Path("daybook.yaml").write_text("nonsense: true\n")
    assert upgrade(["--files-only"]) == 0, "`daybook validate` is for invalid files"
    assert capsys.readouterr().err == ""
