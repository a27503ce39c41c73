"""Makes the blocks of a plan on the Prefect server: creates, updates, or leaves what is already right.

A block that is right is not saved again, as Prefect takes two seconds to save one (it registers type and schema each
time). Integrations are imported only where a block of theirs is asked for, as that takes seconds too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from pydantic import SecretStr
from sqlalchemy.engine import URL

from daybook.orchestration.blocks.address_validation import S3Place
from daybook.orchestration.blocks.environment import Aws, Plan
from daybook.orchestration.blocks.server import server
from daybook.orchestration.blocks.stored_blocks import FOLDER_STAGE, S3_STAGE, document, load


@dataclass(frozen=True)
class Outcome:
    """What was done about one block: its name, one of created | updated | unchanged | removed, and what it holds."""

    block: str
    action: str
    holds: str


def save(plan: Plan) -> Iterator[Outcome]:
    """Bring the server's blocks in line with `plan`, and yield each as it is done.

    Raises `ServerUnreachable`. What was yielded until then is done, and running it again does the rest.
    """
    with server() as client:
        for name, url in (("production", plan.production), ("warehouse", plan.warehouse)):
            if url is not None:
                yield _put(client, _connector(url), name, url.render_as_string(hide_password=True))[1]
        credentials = None
        if plan.aws is not None:
            credentials, outcome = _put(client, _aws_credentials(plan.aws), "aws", _how(plan.aws))
            yield outcome
        if plan.stage is not None:
            yield from _stage(client, plan.stage, credentials)
        if plan.copy_iam_role is not None:
            from daybook.orchestration.blocks.redshift_copy import RedshiftCopy

            yield _put(client, RedshiftCopy(iam_role=plan.copy_iam_role), "warehouse", plan.copy_iam_role)[1]
        if plan.slack_webhook_url is not None:
            # This one, and not Prefect's own SlackWebhook, which never tells that Slack could not be reached.
            from prefect_slack import SlackWebhook

            webhook = SlackWebhook(url=SecretStr(plan.slack_webhook_url))
            yield _put(client, webhook, "slack", urlsplit(plan.slack_webhook_url).hostname or "")[1]
        yield from _slack_bot_and_mail(client, plan)
        if plan.google_service_account is not None:
            from prefect_gcp import GcpCredentials

            # The key itself, as a worker elsewhere has no such file.
            google = GcpCredentials(service_account_info=plan.google_service_account)
            yield _put(client, google, "google", plan.google_service_account["client_email"])[1]


def _slack_bot_and_mail(client: SyncPrefectClient, plan: Plan) -> Iterator[Outcome]:
    if plan.slack_bot_token is not None:
        from prefect_slack import SlackCredentials

        token = plan.slack_bot_token
        yield _put(client, SlackCredentials(token=SecretStr(token)), "slack", f"token ...{token[-4:]}")[1]
    if plan.mail is not None:
        from prefect_email import EmailServerCredentials

        from daybook.orchestration.blocks.mail_sender import MailSender

        server = EmailServerCredentials(
            username=plan.mail.user,
            password=SecretStr(plan.mail.password or ""),
            smtp_server=plan.mail.host,
            smtp_type={"smtp": "INSECURE", "smtp+starttls": "STARTTLS", "smtps": "SSL"}[plan.mail.security],
            smtp_port=plan.mail.port,
        )
        yield _put(client, server, "mail", f"{plan.mail.security}://{plan.mail.host}:{plan.mail.port}")[1]
        yield _put(client, MailSender(address=plan.mail.sender), "mail", plan.mail.sender)[1]


def _connector(url: URL) -> Block:
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector

    # Components, as a connector made of a URL shows the password in its repr, the API and the UI.
    components = ConnectionComponents(
        driver=url.drivername,
        username=url.username,
        password=SecretStr(str(url.password)) if url.password else None,
        host=url.host,
        port=url.port,
        database=url.database,
        query={key: str(value) for key, value in url.query.items()} or None,
    )
    return SqlAlchemyConnector(connection_info=components)


def _aws_credentials(aws: Aws) -> Block:
    from prefect_aws import AwsClientParameters, AwsCredentials

    return AwsCredentials(
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=SecretStr(aws.secret_access_key) if aws.secret_access_key else None,
        region_name=aws.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=aws.endpoint_url),
    )


def _how(aws: Aws) -> str:
    keys = f"key ...{aws.access_key_id[-4:]}" if aws.access_key_id else "the role of the worker's machine"
    return ", ".join(filter(None, [keys, aws.region, aws.endpoint_url]))


def _stage(client: SyncPrefectClient, place: S3Place | Path, credentials: Block | None) -> Iterator[Outcome]:
    stage: Block
    if isinstance(place, S3Place):
        from prefect_aws import S3Bucket

        stage = S3Bucket(bucket_name=place.bucket, bucket_folder=place.prefix, credentials=credentials)
        other_slug, other_name = FOLDER_STAGE, "LocalFileSystem/stage"
    else:
        from prefect.filesystems import LocalFileSystem

        stage = LocalFileSystem(basepath=str(place))
        other_slug, other_name = S3_STAGE, "S3Bucket/stage"
    outcome = _put(client, stage, "stage", str(place))[1]
    yield outcome
    if other := document(client, other_slug, "stage"):
        client.delete_block_document(other.id)
        yield Outcome(other_name, "removed", f"the stage is {outcome.block} now")


def _put(client: SyncPrefectClient, wanted: Block, name: str, holds: str) -> tuple[Block, Outcome]:
    """Save `wanted` unless it is stored as it is. Returns the block as stored, and what was done."""
    kind = type(wanted)
    action = "created"
    if document(client, kind.get_block_type_slug(), name):
        action = "updated"
        try:
            stored = load(kind, name)
            if _values(stored) == _values(wanted):
                return stored, Outcome(f"{kind.__name__}/{name}", "unchanged", holds)
        except (RuntimeError, ValueError):
            pass  # made by hand or by an older release, and no longer readable: replaced
    wanted.save(name, overwrite=True)
    return wanted, Outcome(f"{kind.__name__}/{name}", action, holds)


def _values(block: Block) -> dict[str, Any]:
    return block.model_dump(mode="json", context={"include_secrets": True}, exclude=set(Block.__private_attributes__))
