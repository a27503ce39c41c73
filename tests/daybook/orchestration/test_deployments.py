"""Deployments that load a table by intervals, found on a real Prefect server."""

from typing import Any

import pytest

from daybook.errors import BackfillRefused
from daybook.orchestration.deployments import find_deployment, find_loading_deployment
from tests.support.project_copy import Deployed


@pytest.mark.parametrize(
    ("deployment", "parameters", "said"),
    [
        ("nps/dayly", {}, "did you mean 'nps/daily'"),
        ("nonsense", {}, "there is no deployment 'nonsense'"),
        ("nps/full-refresh", {}, "always loads raw_data.nps whole"),
        ("backfill/on-demand", {}, "loads no intervals"),
        ("load-table/on-demand", {}, 'give parameters: {"table"'),
        ("nps/daily", {"alow_shrink": True}, "did you mean 'allow_shrink'"),
        ("nps/daily", {"colour": "red"}, "it takes allow_before_start, allow_shrink"),
        ("nps/daily", {"execution_date": "2021-02-05"}, "execution_date is set by the backfill"),
    ],
)
def test_what_makes_no_sense_is_refused(
    deployed: Deployed, deployment: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(BackfillRefused, match=said.replace("{", r"\{")):
        find_deployment(deployed.client, deployment, parameters)


def test_a_table_knows_the_deployment_that_loads_it(deployed: Deployed) -> None:
    assert find_loading_deployment(deployed.client, "raw_data.nps") == "nps/daily"
    assert find_loading_deployment(deployed.client, "raw_data.visits") is None
