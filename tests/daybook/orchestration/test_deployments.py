"""Deployments that load a table by intervals, found on a real Prefect server."""

from typing import Any

import pytest

from daybook.errors import BackfillRefused
from daybook.orchestration.deployments import find_deployment, find_loading_deployment
from tests.support.project_copy import Deployed

pytestmark = pytest.mark.usefixtures("small_project")


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


def test_a_backfill_of_a_shared_run_names_the_deployment_of_one_table(deployed: Deployed) -> None:
    client = deployed.client
    daily = client.read_deployment_by_name("nps/daily")
    flow_id, form = client.create_flow_from_name("load"), daily.parameter_openapi_schema
    made = [
        client.create_deployment(flow_id, name, parameters=parameters, tags=tags, parameter_openapi_schema=form)
        for name, parameters, tags in (
            ("production-0600", {"tables": ["raw_data.nps", "raw_data.visits"]}, ["raw_data.nps", "raw_data.visits"]),
            ("raw_data.nps", {"tables": ["raw_data.nps"]}, ["edited"]),
        )
    ]
    try:
        with pytest.raises(BackfillRefused, match=r"loads 2 tables in one run, .*: name .*, load/raw_data.nps "):
            find_deployment(client, "load/production-0600")
        with pytest.raises(BackfillRefused, match=r"; raw_data.nps is a table, which nps/daily loads"):
            find_deployment(client, "nps")
        assert find_deployment(client, "load/raw_data.nps").table.name == "raw_data.nps"
    finally:
        for id in made:
            client.delete_deployment(id)


def test_a_table_knows_the_deployment_that_loads_it(deployed: Deployed) -> None:
    assert find_loading_deployment(deployed.client, "raw_data.nps") == "nps/daily"
    assert find_loading_deployment(deployed.client, "raw_data.visits") is None
