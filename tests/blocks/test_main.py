"""`python -m blocks` against a real Prefect server: the blocks that it makes, and the lines that it prints."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_aws import AwsCredentials, S3Bucket
from prefect_email import EmailServerCredentials
from prefect_gcp import GcpCredentials
from prefect_slack import SlackCredentials, SlackWebhook
from prefect_sqlalchemy import SqlAlchemyConnector
from sqlalchemy.engine import make_url

import daybook.orchestration.blocks.open
from daybook.orchestration.blocks.block_types import MailSender, RedshiftCopy
from daybook.orchestration.blocks.stored_blocks import FOLDER_STAGE, S3_STAGE
from daybook.orchestration.notifications.channels.mail import Mail
from daybook.orchestration.notifications.channels.slack import Slack
from tests.support.block_fixtures import RunBlocks
from tests.support.declared_blocks import variables
from tests.support.service_account import write_key_file

PASSWORD = "p@:/%é'\"\\ ?#&+=p"
ENCODED = "p%40%3A%2F%25%C3%A9%27%22%5C%20%3F%23%26%2B%3Dp"
ROLE = "arn:aws:iam::123456789012:role/redshift-copy"
WHOLE = {
    "DAYBOOK_PRODUCTION_URL": f"mysql+pymysql://app:{ENCODED}@db.example:3306/prod?charset=utf8mb4",
    "DAYBOOK_WAREHOUSE_URL": f"redshift+psycopg2://loader:{ENCODED}@wh.example:5439/dwh?sslmode=prefer",
    "DAYBOOK_STAGE_URL": "s3://lake/daybook/stage",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "aws/secret+hunter2",
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://s3.example:9000",
    "DAYBOOK_COPY_IAM_ROLE": ROLE,
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T000/B000/hunter3",
    "SLACK_BOT_TOKEN": "xoxb-1-hunter6",
    "DAYBOOK_SMTP_URL": f"smtp+starttls://mailer:{ENCODED}@mail.example?from=daybook@example.com",
    "DAYBOOK_APPRISE_URLS": "on-call=json://pager.example/hunter8",
}
NAMES = [
    "SqlAlchemyConnector/production",
    "SqlAlchemyConnector/warehouse",
    "AwsCredentials/aws",
    "S3Bucket/stage",
    "RedshiftCopy/warehouse",
    "SlackWebhook/slack",
    "SlackCredentials/slack",
    "EmailServerCredentials/mail",
    "MailSender/mail",
    "Secret/apprise-on-call",
    "GcpCredentials/google",
]


def said(output: str) -> dict[str, str]:
    """What was done, by block."""
    lines = [line.split() for line in output.splitlines() if not line.startswith("note:")]
    return {words[0]: words[1] for words in lines}


def documents(server: str) -> list[dict[str, Any]]:
    """Every block as the API gives it to a reader who does not ask for secrets."""
    answer = httpx.post(f"{server}/block_documents/filter", json={"include_secrets": False}).raise_for_status()
    return list(answer.json())


def test_every_block_is_made_kept_and_updated_and_no_secret_shows(
    blocks_command: RunBlocks, run_blocks: RunBlocks, prefect_server: str, tmp_path: Path
) -> None:
    account = write_key_file(tmp_path / "key.json")
    environ = WHOLE | {"GOOGLE_SERVICE_ACCOUNT_FILE": str(tmp_path / "key.json")}

    first, second = blocks_command(**environ), run_blocks(**environ)
    changed = environ | {
        "DAYBOOK_PRODUCTION_URL": "mysql://app:hunter4@db.example/prod",
        "AWS_SECRET_ACCESS_KEY": "hunter5",
        "AWS_ENDPOINT_URL": "",
        "DAYBOOK_STAGE_URL": "s3://lake/elsewhere",
    }
    third, fourth = blocks_command(**changed), run_blocks(**changed)

    assert [run.returncode for run in (first, second, third, fourth)] == [0, 0, 0, 0], third.stderr
    assert said(first.stdout) == dict.fromkeys(NAMES, "created")
    assert said(second.stdout) == dict.fromkeys(NAMES, "unchanged")
    updated = {"SqlAlchemyConnector/production", "AwsCredentials/aws", "S3Bucket/stage"}
    assert said(third.stdout) == {name: "updated" if name in updated else "unchanged" for name in NAMES}
    assert said(fourth.stdout) == dict.fromkeys(NAMES, "unchanged")
    assert "note: DAYBOOK_PRODUCTION_URL: mysql:// is read as mysql+pymysql://" in third.stdout

    production, warehouse = SqlAlchemyConnector.load("production"), SqlAlchemyConnector.load("warehouse")
    assert production.get_engine().url == make_url("mysql+pymysql://app:hunter4@db.example/prod")
    assert warehouse.get_engine().url == make_url(environ["DAYBOOK_WAREHOUSE_URL"])
    assert warehouse.get_engine().url.password == PASSWORD
    assert warehouse.get_engine().dialect.name == "redshift"
    stage, aws = S3Bucket.load("stage"), AwsCredentials.load("aws")
    assert (stage.bucket_name, stage.bucket_folder) == ("lake", "elsewhere")
    assert stage.credentials == aws
    assert (aws.aws_access_key_id, aws.region_name) == ("AKIAEXAMPLE", "eu-west-1")
    assert aws.aws_secret_access_key.get_secret_value() == "hunter5"
    assert aws.aws_client_parameters.endpoint_url is None
    role, slack, google = RedshiftCopy.load("warehouse"), SlackWebhook.load("slack"), GcpCredentials.load("google")
    assert role.iam_role == ROLE
    assert slack.url.get_secret_value() == environ["SLACK_WEBHOOK_URL"]
    assert google.service_account_info.get_secret_value() == account
    bot, mail = SlackCredentials.load("slack"), EmailServerCredentials.load("mail")
    assert bot.token.get_secret_value() == "xoxb-1-hunter6"
    assert (mail.smtp_server, mail.smtp_type.name, mail.smtp_port) == ("mail.example", "STARTTLS", 587)
    assert (mail.username, mail.password.get_secret_value()) == ("mailer", PASSWORD)
    assert MailSender.load("mail").address == "daybook@example.com"
    with get_client(sync_client=True) as client:
        opened = Slack("#data-alerts", "xoxb-1-hunter6", environ["SLACK_WEBHOOK_URL"])
        assert Slack.open(client, "#data-alerts") == (opened,)
        to = ("team@example.com",)
        assert Mail.open(client, to) == (Mail(to, mail, "daybook@example.com"),)
        SlackWebhook(url="https://hooks.slack.com/services/T000/B000/hunter7").save("data-alerts", overwrite=True)
        (own,) = Slack.open(client, "#Data_Alerts")
        assert own.webhook == "https://hooks.slack.com/services/T000/B000/hunter7"
    assert set(daybook.orchestration.blocks.open.secret_values()) == {
        *(PASSWORD, "hunter4", "hunter5", environ["SLACK_WEBHOOK_URL"], "xoxb-1-hunter6"),
        "json://pager.example/hunter8",
        *("https://hooks.slack.com/services/T000/B000/hunter7", account["private_key"], account["private_key_id"]),
    }
    SlackWebhook.delete("data-alerts")

    shown = "".join(run.stdout + run.stderr for run in (first, second, third, fourth))
    shown += "".join(repr(block) for block in (production, warehouse, stage, aws, role, slack, google, bot, mail))
    stored = documents(prefect_server)
    assert sorted(document["name"] for document in stored) == sorted(name.partition("/")[2] for name in NAMES)
    shown += json.dumps(stored, ensure_ascii=False)
    key_line = account["private_key"].splitlines()[1]
    for secret in (PASSWORD, ENCODED, "hunter2", "hunter3", "hunter4", "hunter5", "hunter6", "hunter8", key_line):
        assert secret not in shown


def test_the_endpoint_of_a_server_of_ones_own_is_kept(run_blocks: RunBlocks) -> None:
    assert (
        run_blocks(
            **{name: WHOLE[name] for name in variables() if name.startswith("AWS_") and name in WHOLE}
        ).returncode
        == 0
    )

    assert AwsCredentials.load("aws").get_client("s3").meta.endpoint_url == "http://s3.example:9000"


def test_a_warehouse_in_postgresql_and_a_stage_in_a_folder(run_blocks: RunBlocks, tmp_path: Path) -> None:
    url = f"postgresql+psycopg2://app:{ENCODED}@127.0.0.1:5432/dwh"

    run = run_blocks(DAYBOOK_WAREHOUSE_URL=url, DAYBOOK_STAGE_URL=f"file://{tmp_path}")

    assert said(run.stdout) == {"SqlAlchemyConnector/warehouse": "created", "LocalFileSystem/stage": "created"}
    assert SqlAlchemyConnector.load("warehouse").get_engine().url == make_url(url)
    assert LocalFileSystem.load("stage").basepath == str(tmp_path)


def test_a_block_whose_variable_is_gone_is_left_alone(run_blocks: RunBlocks) -> None:
    run_blocks(DAYBOOK_STAGE_URL="stage", SLACK_WEBHOOK_URL=WHOLE["SLACK_WEBHOOK_URL"])

    assert said(run_blocks(DAYBOOK_STAGE_URL="stage").stdout) == {"LocalFileSystem/stage": "unchanged"}
    assert SlackWebhook.load("slack").url.get_secret_value() == WHOLE["SLACK_WEBHOOK_URL"]


def test_there_is_one_stage_only(run_blocks: RunBlocks, prefect_server: str) -> None:
    on_s3 = {"DAYBOOK_STAGE_URL": "s3://lake", "AWS_REGION": "eu-west-1"}
    in_folder = {"DAYBOOK_STAGE_URL": "stage"}

    run_blocks(**on_s3)
    to_folder = run_blocks(**in_folder)
    assert said(to_folder.stdout) == {"LocalFileSystem/stage": "created", "S3Bucket/stage": "removed"}
    assert stages(prefect_server) == [FOLDER_STAGE]

    to_s3 = run_blocks(**on_s3)
    assert said(to_s3.stdout)["S3Bucket/stage"] == "created"
    assert said(to_s3.stdout)["LocalFileSystem/stage"] == "removed"
    assert stages(prefect_server) == [S3_STAGE]

    # As if it had been killed between the two: the next run finishes what was begun.
    LocalFileSystem(basepath="/stage").save("stage")
    assert said(run_blocks(**on_s3).stdout)["LocalFileSystem/stage"] == "removed"
    assert stages(prefect_server) == [S3_STAGE]


def stages(server: str) -> list[str]:
    return [document["block_type"]["slug"] for document in documents(server) if document["name"] == "stage"]


def test_a_block_that_was_made_by_hand_with_a_readable_password_is_replaced(
    run_blocks: RunBlocks, prefect_server: str
) -> None:
    SqlAlchemyConnector(connection_info="postgresql+psycopg2://app:hunter2@wh/dwh").save("warehouse")

    run = run_blocks(DAYBOOK_WAREHOUSE_URL="postgresql+psycopg2://app:hunter2@wh/dwh")

    assert said(run.stdout) == {"SqlAlchemyConnector/warehouse": "updated"}
    assert "hunter2" not in json.dumps(documents(prefect_server))


def test_nothing_is_saved_where_anything_is_wrong(run_blocks: RunBlocks, prefect_server: str) -> None:
    run = run_blocks(
        DAYBOOK_PRODUCTION_URL="mysql+pymysql://app:hunter2@db/prod",
        DAYBOOK_WAREHOUSE_URL="redshift+psycopg2://app:hunter2@wh/dwh",
        SLACK_WEBHOOK_URL="hunter2",
    )

    assert run.returncode == 1
    assert run.stdout == ""
    problems = run.stderr.splitlines()
    assert problems[0] == "Nothing was saved. Correct the environment:"
    named = [problem.strip().partition(":")[0] for problem in problems[1:]]
    assert named == ["DAYBOOK_COPY_IAM_ROLE", "DAYBOOK_STAGE_URL", "SLACK_WEBHOOK_URL"]
    assert "hunter2" not in run.stderr
    assert documents(prefect_server) == []


def test_with_nothing_set_it_lists_what_there_is(blocks_command: RunBlocks) -> None:
    run = blocks_command()

    assert run.returncode == 2
    assert [line.split()[0] for line in run.stderr.splitlines()[1:]] == list(variables())


@pytest.fixture(scope="module")
def gate() -> Iterator[str]:
    """An HTTP server that is not Prefect's: it answers the path /<status>/... with that status and no JSON."""

    class Gate(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(int(self.path.split("/")[1]))
            self.end_headers()
            self.wfile.write(b"<h1>Please log in</h1>")

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://hunter2@127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("", "PREFECT_API_URL is not set, so no Prefect server is named"),
        ("http://127.0.0.1:9/api", "no Prefect server answers at PREFECT_API_URL=http://127.0.0.1:9/api"),
    ],
)
def test_a_server_that_is_not_there_is_named(blocks_command: RunBlocks, address: str, remedy: str) -> None:
    run = blocks_command(PREFECT_API_URL=address, DAYBOOK_PRODUCTION_URL="mysql://app:hunter2@db/prod")

    assert_one_line_names(run, remedy)


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("127.0.0.1", "no Prefect server answers at PREFECT_API_URL=127.0.0.1"),
        (
            "{gate}/404",
            "answered 404 to /404/flows/filter: is it a Prefect server, and does the address end in /api?",
        ),
        (
            "{gate}/401",
            " refuses the request (401): set PREFECT_API_AUTH_STRING (your own server) or PREFECT_API_KEY",
        ),
        ("{gate}/200", " is not a Prefect server: correct the address"),
    ],
)
def test_what_is_not_our_prefect_server_is_named(run_blocks: RunBlocks, gate: str, address: str, remedy: str) -> None:
    with temporary_settings({PREFECT_API_URL: address.format(gate=gate)}):
        run = run_blocks(DAYBOOK_PRODUCTION_URL="mysql://app:hunter2@db/prod")

    assert_one_line_names(run, remedy)


def assert_one_line_names(run: subprocess.CompletedProcess[str], remedy: str) -> None:
    assert run.returncode == 1
    assert remedy in run.stderr
    lines = [line for line in run.stderr.splitlines() if not line.startswith("Prefect server: ")]
    assert len(lines) == 1, "a traceback"
    assert "hunter2" not in run.stdout + run.stderr


def test_the_form_of_redshift_copy_in_the_ui(run_blocks: RunBlocks) -> None:
    run_blocks(DAYBOOK_COPY_IAM_ROLE=ROLE)

    with get_client(sync_client=True) as client:
        kind = client.read_block_type_by_slug("redshift-copy")
        document = client.read_block_document_by_name("warehouse", "redshift-copy")
    assert kind.name == "Redshift COPY"
    assert kind.description is not None and kind.description.startswith(
        "The role with which Redshift's COPY reads the stage"
    )
    assert document.block_schema is not None
    form = document.block_schema.fields["properties"]["iam_role"]
    assert (form["title"], form["examples"]) == ("IAM role", ["arn:aws:iam::123456789012:role/redshift-copy"])
    with pytest.raises(ValueError, match="should match pattern"):
        RedshiftCopy(iam_role="arn:aws:iam::123456789012:role/x' CREDENTIALS '")


def test_the_stage_types_are_called_as_prefect_calls_them() -> None:
    kinds: list[type[Block]] = [S3Bucket, LocalFileSystem]

    assert [kind.get_block_type_slug() for kind in kinds] == [S3_STAGE, FOLDER_STAGE]
