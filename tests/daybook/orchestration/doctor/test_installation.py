"""Versions that break in silence, and programs of another environment."""

import pytest

from daybook.orchestration.doctor import installation


@pytest.mark.parametrize(
    ("versions", "named"),
    [
        ({"prefect": "3.8.8", "sqlalchemy": "2.1.0", "fastapi": "0.140"}, ["prefect 3.8.8 with sqlalchemy 2.1.0"]),
        ({"prefect": "3.8.8", "sqlalchemy": "2.0.40", "fastapi": "0.151.0"}, ["prefect 3.8.8 with fastapi 0.151.0"]),
        ({"prefect": "3.8.8", "sqlalchemy": "2.0.40", "fastapi": "0.150"}, []),
        ({"prefect": "3.9.1", "sqlalchemy": "2.1.0", "fastapi": "0.160"}, []),
    ],
)
def test_combinations_that_break_in_silence(
    versions: dict[str, str], named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "installed_versions", lambda: versions)
    found = list(installation.check_versions())
    assert [one.text.partition(":")[0] for one in found] == named
    assert all(one.level == "error" and "pip install" in one.remedy for one in found)


def test_a_program_that_is_not_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    first, *others = installation.check_programs()
    assert first.level == "ok"
    assert [one.text for one in others] == ["`daybook` is not on the PATH", "`prefect` is not on the PATH"]
