"""Reads the environment into a plan of the blocks that it asks for, or refuses it with every problem at once.

Imports no Prefect, so that a mistake is told in a blink and before anything is saved.

What counts as deliberate, and what as half set:
- A variable that is empty is not set (compose files pass them on like that).
- No AWS keys at all is deliberate: boto3 then finds the role of the worker's machine. One key of the two is half set,
  and so are no keys with an `AWS_ENDPOINT_URL` that is not Amazon's, as no role opens that.
- `AWS_REGION` and `AWS_ENDPOINT_URL` say how, not that: alone, as many machines have them, they ask for nothing.
- A Redshift warehouse is set whole or not at all: it loads from S3 only, and with a role only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import URL

from daybook.orchestration.blocks import address_validation, database_url, mail_url
from daybook.orchestration.blocks.address_validation import S3Place
from daybook.orchestration.blocks.errors import BadValue, EnvironmentRefused, NothingSet
from daybook.orchestration.blocks.mail_url import MailUrl

VARIABLES = {
    "DAYBOOK_PRODUCTION_URL": "SqlAlchemyConnector/production",
    "DAYBOOK_WAREHOUSE_URL": "SqlAlchemyConnector/warehouse",
    "DAYBOOK_STAGE_URL": "S3Bucket/stage or LocalFileSystem/stage",
    "AWS_ACCESS_KEY_ID": "AwsCredentials/aws",
    "AWS_SECRET_ACCESS_KEY": "AwsCredentials/aws",
    "AWS_REGION": "AwsCredentials/aws",
    "AWS_ENDPOINT_URL": "AwsCredentials/aws",
    "DAYBOOK_COPY_IAM_ROLE": "RedshiftCopy/warehouse",
    "SLACK_WEBHOOK_URL": "SlackWebhook/slack",
    "SLACK_BOT_TOKEN": "SlackCredentials/slack",
    "DAYBOOK_SMTP_URL": "EmailServerCredentials/mail and MailSender/mail",
    "GOOGLE_SERVICE_ACCOUNT_FILE": "GcpCredentials/google",
}
"""Every variable that makes a block, and which one. The table in `blocks/__init__.py` says more."""

_SAY_HOW = {"AWS_REGION", "AWS_ENDPOINT_URL"}
_PRODUCTION_DRIVERS = ("mysql+pymysql", "mariadb+pymysql", "postgresql+psycopg2")
_WAREHOUSE_DRIVERS = ("postgresql+psycopg2", "redshift+psycopg2")

T = TypeVar("T")


@dataclass(frozen=True)
class Aws:
    """How to reach AWS. Without keys: as the role of the machine that the worker runs on."""

    access_key_id: str | None
    secret_access_key: str | None = field(repr=False)
    region: str | None
    endpoint_url: str | None


@dataclass(frozen=True)
class Plan:
    """The blocks to make; None where the environment asks for none. `notes` are to be told, a line each."""

    production: URL | None
    warehouse: URL | None
    stage: S3Place | Path | None
    aws: Aws | None
    copy_iam_role: str | None
    slack_webhook_url: str | None = field(repr=False)
    slack_bot_token: str | None = field(repr=False)
    mail: MailUrl | None
    google_service_account: dict[str, Any] | None = field(repr=False)
    notes: list[str]


def read(environ: Mapping[str, str]) -> Plan:
    """Make the plan that `environ` (`os.environ`, say) asks for.

    Raises `NothingSet`, or `EnvironmentRefused` with all problems at once.
    """
    return _Reader(environ).plan()


class _Reader:
    """Goes on after a problem, so that all of them are told together."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        known = [*VARIABLES, "AWS_SESSION_TOKEN"]
        self.values = {name: environ[name].strip() for name in known if environ.get(name, "").strip()}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def plan(self) -> Plan:
        if not self.values.keys() & (VARIABLES.keys() - _SAY_HOW):
            raise NothingSet("no variable is set that makes a block")
        stage = self._value("DAYBOOK_STAGE_URL", address_validation.stage)
        plan = Plan(
            production=self._database("DAYBOOK_PRODUCTION_URL", _PRODUCTION_DRIVERS),
            warehouse=self._database("DAYBOOK_WAREHOUSE_URL", _WAREHOUSE_DRIVERS),
            stage=stage,
            aws=self._aws(isinstance(stage, S3Place)),
            copy_iam_role=self._value("DAYBOOK_COPY_IAM_ROLE", address_validation.copy_iam_role),
            slack_webhook_url=self._value("SLACK_WEBHOOK_URL", address_validation.webhook),
            slack_bot_token=self._value("SLACK_BOT_TOKEN", address_validation.slack_bot_token),
            mail=self._value("DAYBOOK_SMTP_URL", mail_url.read),
            google_service_account=self._value(
                "GOOGLE_SERVICE_ACCOUNT_FILE", address_validation.google_service_account
            ),
            notes=self.notes,
        )
        self._redshift(plan)
        if plan.mail and plan.mail.password and plan.mail.security == "smtp":
            safe = "write smtp+starttls:// or smtps:// where the server can do that"
            self.notes.append(f"DAYBOOK_SMTP_URL: with smtp:// the password is sent in clear text: {safe}")
        if self.problems:
            raise EnvironmentRefused(self.problems)
        return plan

    def _problem(self, variable: str, what: object) -> None:
        self.problems.append(f"{variable}: {what}")

    def _value(self, variable: str, read: Callable[[str], T]) -> T | None:
        if variable not in self.values:
            return None
        try:
            return read(self.values[variable])
        except BadValue as problem:
            self._problem(variable, problem)
            return None

    def _database(self, variable: str, drivers: tuple[str, ...]) -> URL | None:
        url, note = self._value(variable, lambda text: database_url.read(text, drivers)) or (None, None)
        if note:
            self.notes.append(f"{variable}: {note}")
        return url

    def _aws(self, stage_is_s3: bool) -> Aws | None:
        aws = Aws(
            self.values.get("AWS_ACCESS_KEY_ID"),
            self.values.get("AWS_SECRET_ACCESS_KEY"),
            self.values.get("AWS_REGION"),
            self._value("AWS_ENDPOINT_URL", address_validation.endpoint),
        )
        if aws.access_key_id and not aws.secret_access_key:
            self._problem("AWS_SECRET_ACCESS_KEY", "is not set, and AWS_ACCESS_KEY_ID is: set both, or neither")
        if aws.secret_access_key and not aws.access_key_id:
            self._problem("AWS_ACCESS_KEY_ID", "is not set, and AWS_SECRET_ACCESS_KEY is: set both, or neither")
        if aws.access_key_id and "AWS_SESSION_TOKEN" in self.values:
            lapses = "these keys lapse within hours, and the block would show the token"
            if not stage_is_s3:
                self.notes.append(f"AWS_SESSION_TOKEN: {lapses}, so AwsCredentials/aws is left alone")
                return None
            remedy = "use keys of their own for Daybook, or none where the worker's machine has a role"
            self._problem("AWS_SESSION_TOKEN", f"{lapses}: {remedy}")
        if stage_is_s3:
            self._s3(aws)
        return aws if stage_is_s3 or aws.access_key_id else None

    def _s3(self, aws: Aws) -> None:
        keys = aws.access_key_id or aws.secret_access_key
        if not aws.region and "AWS_ENDPOINT_URL" not in self.values:
            self._problem("AWS_REGION", "is not set, and DAYBOOK_STAGE_URL is on S3: set the bucket's region")
        if not keys and aws.endpoint_url and not address_validation.is_amazons(aws.endpoint_url):
            what = "is not set, and no machine's role opens AWS_ENDPOINT_URL, which is not Amazon's"
            self._problem("AWS_ACCESS_KEY_ID", f"{what}: set it and AWS_SECRET_ACCESS_KEY")
        elif not keys:
            self.notes.append("AWS_ACCESS_KEY_ID: not set, so S3 is opened with the role of the worker's machine")

    def _redshift(self, plan: Plan) -> None:
        if plan.warehouse is None:
            return
        if plan.warehouse.drivername != "redshift+psycopg2":
            if "DAYBOOK_COPY_IAM_ROLE" in self.values:
                what = "is for Redshift, and DAYBOOK_WAREHOUSE_URL is PostgreSQL: unset one, or correct the other"
                self._problem("DAYBOOK_COPY_IAM_ROLE", what)
            return
        if "DAYBOOK_COPY_IAM_ROLE" not in self.values:
            remedy = "set it to the ARN of a role that may read the stage and is attached to the cluster"
            self._problem("DAYBOOK_COPY_IAM_ROLE", f"is not set, and Redshift's COPY needs it: {remedy}")
        if isinstance(plan.stage, Path) or "DAYBOOK_STAGE_URL" not in self.values:
            what = "is a folder" if plan.stage else "is not set"
            self._problem("DAYBOOK_STAGE_URL", f"{what}, and Redshift loads from S3 only: set s3://BUCKET/PREFIX")
