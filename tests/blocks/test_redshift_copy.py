"""A Redshift is set up whole or not at all, and its role is one that Redshift takes."""

import pytest

from blocks.redshift_copy import COPY_IAM_ROLE
from daybook.orchestration.blocks.block_types import RedshiftCopy
from tests.support.declared_blocks import KEYS, REDSHIFT, ROLE, S3, plan, refused

POSTGRES = {"DAYBOOK_WAREHOUSE_URL": "postgresql+psycopg2://app:hunter2@wh/dwh"}

REFUSALS = {
    "Redshift alone": (REDSHIFT, ["DAYBOOK_COPY_IAM_ROLE", "DAYBOOK_STAGE_URL"]),
    "Redshift without a role": (REDSHIFT | S3, ["DAYBOOK_COPY_IAM_ROLE"]),
    "Redshift with a folder": (REDSHIFT | ROLE | {"DAYBOOK_STAGE_URL": "/stage"}, ["DAYBOOK_STAGE_URL"]),
    "Redshift with a broken stage": (REDSHIFT | ROLE | {"DAYBOOK_STAGE_URL": "gs://x"}, ["DAYBOOK_STAGE_URL"]),
    "a role for PostgreSQL": (POSTGRES | ROLE, ["DAYBOOK_COPY_IAM_ROLE"]),
    "a role that is none": ({"DAYBOOK_COPY_IAM_ROLE": "hunter2"}, ["DAYBOOK_COPY_IAM_ROLE"]),
    "a role that ends a literal": ({"DAYBOOK_COPY_IAM_ROLE": f"{ROLE['DAYBOOK_COPY_IAM_ROLE']}'; x"}, [*ROLE]),
}


@pytest.mark.parametrize(("environ", "variables"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_redshift_that_could_not_load_is_refused_by_name(environ: dict[str, str], variables: list[str]) -> None:
    assert refused(environ) == variables


@pytest.mark.parametrize("value", ["default", "access_keys"])
def test_a_default_role_or_the_keys_of_the_stage(value: str) -> None:
    environ = REDSHIFT | S3 | KEYS | {"DAYBOOK_COPY_IAM_ROLE": value}
    assert plan(environ).environment[COPY_IAM_ROLE] == value
    RedshiftCopy(iam_role=value)


def test_roles_can_be_chained() -> None:
    chain = "arn:aws-cn:iam::123456789012:role/a/b,arn:aws-cn:iam::210987654321:role/c"

    assert plan({"DAYBOOK_COPY_IAM_ROLE": chain}).environment[COPY_IAM_ROLE] == chain
