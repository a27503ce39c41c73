"""What an environment as a whole asks for, or every reason to refuse it at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from blocks.apprise import APPRISE_URLS
from blocks.aws import Aws
from blocks.databases import PRODUCTION_URL, WAREHOUSE_URL
from blocks.google import SERVICE_ACCOUNT_FILE
from blocks.mail import SMTP_URL, MailServer
from blocks.redshift_copy import COPY_IAM_ROLE
from blocks.slack import BOT_TOKEN, WEBHOOK_URL
from blocks.stage import STAGE_URL, S3Place
from daybook.orchestration.blocks.errors import NothingSet
from tests.support.declared_blocks import KEYS, REDSHIFT, ROLE, S3, declared, plan, refused, variables
from tests.support.service_account import write_key_file


def test_every_problem_is_named_at_once() -> None:
    everything_wrong = {
        "DAYBOOK_PRODUCTION_URL": "mysql://app:hunter2@x@db/prod",
        "DAYBOOK_WAREHOUSE_URL": "redshift://app:hunter2@wh/dwh",
        "DAYBOOK_STAGE_URL": "stage",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "SLACK_WEBHOOK_URL": "hunter2",
    }

    assert refused(everything_wrong) == [
        "DAYBOOK_PRODUCTION_URL",
        "AWS_SECRET_ACCESS_KEY",
        "DAYBOOK_COPY_IAM_ROLE",
        "DAYBOOK_STAGE_URL",
        "SLACK_WEBHOOK_URL",
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        dict.fromkeys(variables(), " "),
        {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://minio:9000"},
        {"AWS_SESSION_TOKEN": "x", "PATH": "/bin"},
    ],
)
def test_an_environment_that_asks_for_nothing_is_not_a_plan(environ: dict[str, str]) -> None:
    with pytest.raises(NothingSet):
        plan(environ)


def test_a_whole_environment_is_a_plan(tmp_path: Path) -> None:
    account = write_key_file(tmp_path / "key.json")

    whole = plan(
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
            "DAYBOOK_APPRISE_URLS": "team=discord://1/hunter2\nsms=json://x/hunter2",
            "GOOGLE_SERVICE_ACCOUNT_FILE": str(tmp_path / "key.json"),
        }
    )

    assert [type(block) for block in whole.wanted] == [type(block) for block in declared()]
    environment = whole.environment
    assert environment[PRODUCTION_URL][0] == make_url("mysql+pymysql://app:hunter2@db/prod")
    assert environment[WAREHOUSE_URL][0] == make_url(REDSHIFT["DAYBOOK_WAREHOUSE_URL"])
    assert environment[STAGE_URL] == S3Place("lake", "daybook")
    expected = ["AKIAEXAMPLE", "hunter2", "eu-west-1", "http://minio:9000"]
    assert [environment[variable] for variable in Aws.variables] == expected
    assert environment[COPY_IAM_ROLE] == ROLE["DAYBOOK_COPY_IAM_ROLE"]
    assert environment[WEBHOOK_URL] == "https://hooks.slack.com/services/T/B/hunter2"
    assert environment[BOT_TOKEN] == "xoxb-1-hunter2"
    assert environment[SMTP_URL] == MailServer("smtp", "mail", 25, "mailer", "hunter2", "daybook@example.com")
    assert environment[APPRISE_URLS] == {"team": "discord://1/hunter2", "sms": "json://x/hunter2"}
    assert environment[SERVICE_ACCOUNT_FILE] == account
    assert environment.notes == [
        "DAYBOOK_PRODUCTION_URL: mysql:// is read as mysql+pymysql://",
        "DAYBOOK_SMTP_URL: with smtp:// the password is sent in clear text: "
        "write smtp+starttls:// or smtps:// if the server supports it",
    ]
    assert "hunter2" not in repr(whole) and account["private_key"] not in repr(whole)


@pytest.mark.servers
def test_prefect_is_not_imported_before_the_environment_is_known_to_be_right() -> None:
    program = (
        "import sys, blocks.__main__\n"
        "code = blocks.__main__.main({'DAYBOOK_STAGE_URL': 'gs://lake', 'SLACK_BOT_TOKEN': 'x'})\n"
        "sys.exit(code if not [name for name in sys.modules if name.startswith('prefect')] else 'Prefect is imported')"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert run.returncode == 1
    assert [line.split(":")[0].strip() for line in run.stderr.splitlines()[1:]] == [
        "DAYBOOK_STAGE_URL",
        "SLACK_BOT_TOKEN",
    ]
