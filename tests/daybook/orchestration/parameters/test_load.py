"""Parameters of flows: a deployment's stored form must not refuse a table whose file is newer than it."""

from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.utilities.schema_tools import validate

from daybook.errors import TableFileError
from flows.catch_up import catch_up
from flows.export_sheet import export_sheet
from flows.load_table import load_table
from flows.reconcile import reconcile
from flows.summaries import summaries


@pytest.mark.parametrize(
    ("flow", "given"),
    [
        (load_table, {"table": "shop.added_today"}),
        (reconcile, {"table": "shop.added_today"}),
        (catch_up, {"tables": ["shop.added_today"]}),
        (summaries, {"tables": ["shop.added_today"]}),
        (export_sheet, {"table": "shop.added_today"}),
    ],
)
def test_the_server_takes_a_table_that_was_added_after_the_deploy(flow: Flow[..., Any], given: dict[str, Any]) -> None:
    """The server validates with this function, against the schema that the deployment has stored."""
    schema = flow.parameters.model_dump()
    assert not validate(given, schema, raise_on_error=False, ignore_required=True)
    assert validate({"table": 5, "tables": 5}, schema, raise_on_error=False, ignore_required=True)


def test_the_flow_refuses_a_table_without_a_file_and_suggests_one(small_project: Path) -> None:
    with pytest.raises(TableFileError, match=r"no table 'raw_data.npss': .*did you mean 'raw_data.nps'"):
        load_table.validate_parameters({"table": "raw_data.npss"})
