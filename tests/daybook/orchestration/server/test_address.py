"""The Prefect server of a process, and the setting that names it: as Prefect itself finds it."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from daybook.orchestration.server.address import ServerAddress, find_address

ENVIRONMENT = {"PREFECT_API_URL": "http://from-environment/api"}
PROFILES = """
active = "staging"
[profiles.staging]
PREFECT_API_URL = "http://from-profile/api"
[profiles.production]
PREFECT_API_URL = "http://from-production/api"
[profiles.empty]
"""
FILES = {
    ".env": "PREFECT_API_URL=http://from-dotenv/api\n",
    "prefect.toml": '[api]\nurl = "http://from-toml/api"\n',
    "pyproject.toml": '[tool.prefect.api]\nurl = "http://from-pyproject/api"\n',
    "home/profiles.toml": PROFILES,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without settings of Prefect."""
    for name in list(os.environ):
        if name.upper().startswith("PREFECT_"):
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "files", "url", "source"),
    [
        (ENVIRONMENT, list(FILES), "http://from-environment/api", "the environment"),
        ({"prefect_api_url": "http://lower/api"}, [], "http://lower/api", "the environment"),
        ({}, list(FILES), "http://from-dotenv/api", ".env"),
        ({}, list(FILES)[1:], "http://from-toml/api", "prefect.toml"),
        ({}, list(FILES)[2:], "http://from-pyproject/api", "[tool.prefect] in "),
        ({}, list(FILES)[3:], "http://from-profile/api", "the profile 'staging' in "),
        ({"PREFECT_PROFILE": "production"}, list(FILES)[3:], "http://from-production/api", "the profile 'production'"),
        ({"PREFECT_PROFILE": "empty"}, list(FILES)[3:], None, ""),
        ({"PREFECT_PROFILE": "misspelt"}, list(FILES)[3:], None, ""),
        ({}, [], None, ""),
    ],
)
def test_it_is_found_where_prefect_finds_it(
    variables: Mapping[str, str],
    files: list[str],
    url: str | None,
    source: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from prefect.settings import Settings

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in files:
        (here / name).write_text(FILES[name])

    found = find_address()

    assert found.url == url == Settings().api.url
    assert source in found.source and bool(source) == bool(found.source)


def test_the_built_in_profile_local_names_a_server(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_HOME")
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("PREFECT_PROFILE", "local")
    assert find_address().url == "http://127.0.0.1:4200/api"


@pytest.mark.parametrize(
    ("variables", "temporary"),
    [
        ({"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true"}, True),
        ({"PREFECT_SERVER_EPHEMERAL_ENABLED": "1"}, True),
        ({"PREFECT_SERVER_EPHEMERAL_ENABLED": "false"}, False),
        ({"PREFECT_PROFILE": "ephemeral"}, False),  # Prefect's default: nobody chose it
        ({}, False),
    ],
)
def test_a_temporary_server_is_allowed_by_a_variable_alone(
    variables: Mapping[str, str], temporary: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find_address() == ServerAddress(
        None, "the environment" if variables.keys() - {"PREFECT_PROFILE"} else "", temporary
    )


def test_a_password_is_not_shown() -> None:
    assert ServerAddress("https://me:hunter2@prefect.example/api").shown == "https://***@prefect.example/api"
