"""The addresses of each owner, and the errors of a wrong file."""

from pathlib import Path

import pytest

from daybook.errors import TableFileError
from daybook.orchestration.notifications.routing import Route, route


def write(folder: Path, text: str) -> Path:
    (folder / "owners.yaml").write_text(text, encoding="utf-8")
    return folder


DEFAULT = {"slack": "#data-alerts", "email": ("team@example.com",)}
FILE = """\
default: {channel: "#data-alerts", address: team@example.com}
owners:
  analytics: {channel: "#analyse-köln"}
  finance: {address: [a@example.com, b@example.com]}
  quiet: {channel: C0123456789, address: []}
  on-call: {apprise: pager}
"""


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param("default", DEFAULT, id="default"),
        pytest.param("somebody", DEFAULT, id="without a line"),
        pytest.param(
            "analytics", {"slack": "#analyse-köln", "email": ("team@example.com",)}, id="a channel of its own"
        ),
        pytest.param(
            "finance", {"slack": "#data-alerts", "email": ("a@example.com", "b@example.com")}, id="addresses of its own"
        ),
        pytest.param("on-call", {**DEFAULT, "apprise": ("pager",)}, id="a channel under its own name"),
        pytest.param("quiet", {"slack": "C0123456789", "email": ()}, id="a channel's id, and no e-mail"),
    ],
)
def test_an_owner_has_a_route(tmp_path: Path, owner: str, expected: Route) -> None:
    assert route(owner, write(tmp_path, FILE)) == expected


def test_without_a_file_nobody_has_an_address(tmp_path: Path) -> None:
    assert route("data-team", tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("owners: {}", "default: missing; add it (for every owner without an entry", id="no default"),
        pytest.param("default: {chanel: x}", "default.chanel: unknown field; did you mean 'channel'?", id="misspelt"),
        pytest.param('default: {channel: "data"}', "default.channel: not a channel: write its name with #", id="no #"),
        pytest.param("default: {address: x}", "'x' is not an e-mail address: write team@example.com", id="no address"),
        pytest.param(
            "default: {}\nowners: {a: {mail: x}}",
            "owners.a.mail: unknown field; expected one of apprise, address, channel",
            id="mail",
        ),
        pytest.param(
            "default: {}\nanalytics: {}", "analytics: unknown field; expected one of default, owners", id="outside"
        ),
        pytest.param("default: {", "is not YAML", id="no YAML"),
    ],
)
def test_an_error_names_file_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableFileError) as refused:
        route("data-team", write(tmp_path, text))

    assert str(tmp_path / "owners.yaml") in str(refused.value)
    assert said in str(refused.value)
