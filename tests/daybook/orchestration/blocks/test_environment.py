"""Which environments make which blocks, and which are refused: by the variable's name, all problems at once."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

import blocks
from daybook.orchestration.blocks import environment
from daybook.orchestration.blocks.address_validation import S3Place
from daybook.orchestration.blocks.environment import VARIABLES, Aws
from daybook.orchestration.blocks.errors import EnvironmentRefused, NothingSet
from daybook.orchestration.blocks.mail_url import MailUrl
from tests.support.service_account import write_key_file

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2"}
S3 = {"DAYBOOK_STAGE_URL": "s3://lake/daybook", "AWS_REGION": "eu-west-1"}
ROLE = {"DAYBOOK_COPY_IAM_ROLE": "arn:aws:iam::123456789012:role/redshift-copy"}
REDSHIFT = {"DAYBOOK_WAREHOUSE_URL": "redshift+psycopg2://app:hunter2@wh:5439/dwh"}
POSTGRES = {"DAYBOOK_WAREHOUSE_URL": "postgresql+psycopg2://app:hunter2@wh/dwh"}


def refused(environ: dict[str, str]) -> list[str]:
    """The variables that the refusal names, in its order. No secret is in it."""
    with pytest.raises(EnvironmentRefused) as error:
        environment.read(environ)
    assert "hunter2" not in str(error.value)
    return [problem.partition(":")[0] for problem in error.value.problems]


REFUSALS = {
    "a key without its secret": ({"AWS_ACCESS_KEY_ID": "AKIA"}, ["AWS_SECRET_ACCESS_KEY"]),
    "a secret without its key": ({"AWS_SECRET_ACCESS_KEY": "hunter2"}, ["AWS_ACCESS_KEY_ID"]),
    "an empty secret": (S3 | KEYS | {"AWS_SECRET_ACCESS_KEY": ""}, ["AWS_SECRET_ACCESS_KEY"]),
    "S3 without a region": (KEYS | {"DAYBOOK_STAGE_URL": "s3://lake"}, ["AWS_REGION"]),
    "keys that lapse": (S3 | KEYS | {"AWS_SESSION_TOKEN": "hunter2"}, ["AWS_SESSION_TOKEN"]),
    "a server of one's own without keys": (S3 | {"AWS_ENDPOINT_URL": "http://minio:9000"}, ["AWS_ACCESS_KEY_ID"]),
    "an endpoint with keys in it": (S3 | KEYS | {"AWS_ENDPOINT_URL": "http://k:hunter2@minio"}, ["AWS_ENDPOINT_URL"]),
    "an endpoint that is no URL": (S3 | KEYS | {"AWS_ENDPOINT_URL": "minio:9000"}, ["AWS_ENDPOINT_URL"]),
    "keys in the stage": (S3 | KEYS | {"DAYBOOK_STAGE_URL": "s3://k:hunter2@lake/d"}, ["DAYBOOK_STAGE_URL"]),
    "no bucket": (S3 | KEYS | {"DAYBOOK_STAGE_URL": "s3:///daybook"}, ["DAYBOOK_STAGE_URL"]),
    "another cloud": ({"DAYBOOK_STAGE_URL": "gs://lake/daybook"}, ["DAYBOOK_STAGE_URL"]),
    "a folder of another machine": ({"DAYBOOK_STAGE_URL": "file://nas/stage"}, ["DAYBOOK_STAGE_URL"]),
    "a stage that is a file": ({"DAYBOOK_STAGE_URL": __file__}, ["DAYBOOK_STAGE_URL"]),
    "a stage of nobody": ({"DAYBOOK_STAGE_URL": "~no-such-user-here/x"}, ["DAYBOOK_STAGE_URL"]),
    "Redshift alone": (REDSHIFT, ["DAYBOOK_COPY_IAM_ROLE", "DAYBOOK_STAGE_URL"]),
    "Redshift without a role": (REDSHIFT | S3, ["DAYBOOK_COPY_IAM_ROLE"]),
    "Redshift with a folder": (REDSHIFT | ROLE | {"DAYBOOK_STAGE_URL": "/stage"}, ["DAYBOOK_STAGE_URL"]),
    "Redshift with a broken stage": (REDSHIFT | ROLE | {"DAYBOOK_STAGE_URL": "gs://x"}, ["DAYBOOK_STAGE_URL"]),
    "a role for PostgreSQL": (POSTGRES | ROLE, ["DAYBOOK_COPY_IAM_ROLE"]),
    "a role that is none": ({"DAYBOOK_COPY_IAM_ROLE": "hunter2"}, ["DAYBOOK_COPY_IAM_ROLE"]),
    "a role that ends a literal": ({"DAYBOOK_COPY_IAM_ROLE": f"{ROLE['DAYBOOK_COPY_IAM_ROLE']}'; x"}, [*ROLE]),
    "a warehouse in MySQL": ({"DAYBOOK_WAREHOUSE_URL": "mysql://app:hunter2@wh/dwh"}, ["DAYBOOK_WAREHOUSE_URL"]),
    "production in Redshift": ({"DAYBOOK_PRODUCTION_URL": "redshift://app:hunter2@wh/d"}, ["DAYBOOK_PRODUCTION_URL"]),
    "a webhook without http": ({"SLACK_WEBHOOK_URL": "hooks.slack.com/hunter2"}, ["SLACK_WEBHOOK_URL"]),
    "a webhook without a host": ({"SLACK_WEBHOOK_URL": "https:///hunter2"}, ["SLACK_WEBHOOK_URL"]),
    "a token of a user": ({"SLACK_BOT_TOKEN": "xoxp-hunter2"}, ["SLACK_BOT_TOKEN"]),
    "a mail server that is none": ({"DAYBOOK_SMTP_URL": "http://a:hunter2@mail"}, ["DAYBOOK_SMTP_URL"]),
    "a key file that is missing": ({"GOOGLE_SERVICE_ACCOUNT_FILE": "/nowhere.json"}, ["GOOGLE_SERVICE_ACCOUNT_FILE"]),
    "a key file that is a folder": ({"GOOGLE_SERVICE_ACCOUNT_FILE": "/"}, ["GOOGLE_SERVICE_ACCOUNT_FILE"]),
    "a key file that is not JSON": ({"GOOGLE_SERVICE_ACCOUNT_FILE": __file__}, ["GOOGLE_SERVICE_ACCOUNT_FILE"]),
    "everything at once": (
        {
            "DAYBOOK_PRODUCTION_URL": "mysql://app:hunter2@x@db/prod",
            "DAYBOOK_WAREHOUSE_URL": "redshift://app:hunter2@wh/dwh",
            "DAYBOOK_STAGE_URL": "stage",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "SLACK_WEBHOOK_URL": "hunter2",
        },
        [
            "DAYBOOK_PRODUCTION_URL",
            "AWS_SECRET_ACCESS_KEY",
            "SLACK_WEBHOOK_URL",
            "DAYBOOK_COPY_IAM_ROLE",
            "DAYBOOK_STAGE_URL",
        ],
    ),
}


@pytest.mark.parametrize(("environ", "variables"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_half_set_environment_is_refused_by_name(environ: dict[str, str], variables: list[str]) -> None:
    assert refused(environ) == variables


@pytest.mark.parametrize("damage", [{"type": "authorized_user"}, {"private_key": "hunter2"}, {"client_email": None}])
def test_a_damaged_key_file_is_refused(tmp_path: Path, damage: dict[str, str | None]) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(write_key_file(path) | damage))

    assert refused({"GOOGLE_SERVICE_ACCOUNT_FILE": str(path)}) == ["GOOGLE_SERVICE_ACCOUNT_FILE"]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        dict.fromkeys(VARIABLES, " "),
        {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://minio:9000"},
        {"AWS_SESSION_TOKEN": "x", "PATH": "/bin"},
    ],
)
def test_an_environment_that_asks_for_nothing_is_not_a_plan(environ: dict[str, str]) -> None:
    with pytest.raises(NothingSet):
        environment.read(environ)


def test_a_whole_environment_is_a_plan(tmp_path: Path) -> None:
    account = write_key_file(tmp_path / "key.json")

    plan = environment.read(
        S3
        | KEYS
        | ROLE
        | REDSHIFT
        | {
            "DAYBOOK_PRODUCTION_URL": " mysql://app:hunter2@db/prod\n",
            "AWS_ENDPOINT_URL": "http://minio:9000",
            "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/hunter2",
            "SLACK_BOT_TOKEN": "xoxb-1-hunter2",
            "DAYBOOK_SMTP_URL": "smtp://mailer:hunter2@mail?from=daybook@example.com",
            "GOOGLE_SERVICE_ACCOUNT_FILE": str(tmp_path / "key.json"),
        }
    )

    assert plan.production == make_url("mysql+pymysql://app:hunter2@db/prod")
    assert plan.warehouse == make_url(REDSHIFT["DAYBOOK_WAREHOUSE_URL"])
    assert plan.stage == S3Place("lake", "daybook")
    assert plan.aws == Aws("AKIAEXAMPLE", "hunter2", "eu-west-1", "http://minio:9000")
    assert plan.copy_iam_role == ROLE["DAYBOOK_COPY_IAM_ROLE"]
    assert plan.slack_webhook_url == "https://hooks.slack.com/services/T/B/hunter2"
    assert plan.slack_bot_token == "xoxb-1-hunter2"
    assert plan.mail == MailUrl("smtp", "mail", 25, "mailer", "hunter2", "daybook@example.com")
    assert plan.google_service_account == account
    assert plan.notes == [
        "DAYBOOK_PRODUCTION_URL: mysql:// is read as mysql+pymysql://",
        "DAYBOOK_SMTP_URL: with smtp:// the password is sent in clear text: "
        "write smtp+starttls:// or smtps:// where the server can do that",
    ]
    assert "hunter2" not in repr(plan) and account["private_key"] not in repr(plan)


@pytest.mark.parametrize(
    "environ",
    [S3, S3 | {"AWS_ENDPOINT_URL": "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}],
)
def test_no_keys_at_all_is_the_role_of_the_machine(environ: dict[str, str]) -> None:
    plan = environment.read(environ)

    assert plan.aws == Aws(None, None, "eu-west-1", environ.get("AWS_ENDPOINT_URL"))
    assert plan.notes == ["AWS_ACCESS_KEY_ID: not set, so S3 is opened with the role of the worker's machine"]


def test_a_server_of_ones_own_needs_no_region() -> None:
    environ = KEYS | {"DAYBOOK_STAGE_URL": "s3://lake", "AWS_ENDPOINT_URL": "http://minio:9000"}

    assert environment.read(environ).aws == Aws("AKIAEXAMPLE", "hunter2", None, "http://minio:9000")


def test_keys_that_lapse_do_not_stop_a_stage_in_a_folder() -> None:
    plan = environment.read(KEYS | {"AWS_SESSION_TOKEN": "hunter2", "DAYBOOK_STAGE_URL": "/stage"})

    assert plan.aws is None
    assert plan.stage == Path("/stage")
    assert [note.partition(":")[0] for note in plan.notes] == ["AWS_SESSION_TOKEN"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://lake", S3Place("lake", "")),
        ("s3://lake/", S3Place("lake", "")),
        ("s3://lake/a/b/", S3Place("lake", "a/b")),
        ("stage", Path.cwd() / "stage"),
        ("~/stage", Path.home() / "stage"),
        ("/var/stage/../x y", Path("/var/x y")),
        ("file:///var/x%20y", Path("/var/x y")),
        ("file://localhost/var/x", Path("/var/x")),
    ],
)
def test_a_stage_is_a_bucket_or_an_absolute_folder(text: str, place: S3Place | Path) -> None:
    assert environment.read({"DAYBOOK_STAGE_URL": text} | KEYS | {"AWS_REGION": "eu-west-1"}).stage == place


def test_roles_can_be_chained() -> None:
    chain = "arn:aws-cn:iam::123456789012:role/a/b,arn:aws-cn:iam::210987654321:role/c"

    assert environment.read({"DAYBOOK_COPY_IAM_ROLE": chain}).copy_iam_role == chain


def test_the_table_in_the_documentation_is_what_the_code_reads() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", blocks.__doc__ or "", flags=re.MULTILINE)

    assert {variable: block.replace("`", "") for variable, block in rows} == VARIABLES
