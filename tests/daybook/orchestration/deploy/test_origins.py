"""Where a deployment's runs get the project's files from, as a person would write it."""

from typing import Any

import pytest

from daybook.orchestration.deploy.origins import origin

STEPS = "prefect.deployments.steps"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{f"{STEPS}.set_working_directory": {"directory": "/srv/shop"}}], "/srv/shop"),
        (
            [{f"{STEPS}.git_clone": {"repository": "https://ada:secret@git.example.com/shop.git", "branch": "main"}}],
            "https://ada:***@git.example.com/shop.git",
        ),
        (
            [
                {f"{STEPS}.git_clone": {"repository": "https://git.example.com/data.git", "id": "clone"}},
                {f"{STEPS}.set_working_directory": {"directory": "data/shop"}},
            ],
            "https://git.example.com/data.git data/shop",
        ),
        ([{"prefect_aws.deployments.steps.pull_from_s3": {"bucket": "lake", "folder": "shop"}}], "lake shop"),
        ([{f"{STEPS}.run_shell_script": {"script": "rsync …"}}], "another place"),
        ([{f"{STEPS}.run_shell_script": None}], "another place"),
        ([], "another place"),
    ],
)
def test_a_place_is_its_repository_and_folder_without_branches_and_secrets(
    steps: list[dict[str, Any]], expected: str
) -> None:
    assert origin(steps) == expected
