"""Open databases, the stage and accounts from the blocks that `daybook blocks` saved.

Flows call these functions, and never read the environment themselves.

Every function is synchronous, inside and outside of a flow, even while an event loop runs, as in a notebook.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.client.orchestration import SyncPrefectClient, get_client
from sqlalchemy import Engine, NullPool
from sqlalchemy.exc import NoSuchModuleError

from daybook.definitions.targets.project_target import current_target
from daybook.extras import extra
from daybook.orchestration.blocks import stored_blocks
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.blocks.other_database import check_own
from daybook.orchestration.blocks.server import check_server_is_named
from daybook.orchestration.blocks.stored_blocks import FOLDER_STAGE, S3_STAGE, B, document, load
from daybook.stage.folder import FolderStage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.registry import find_warehouse, open_warehouse, warehouse_dialects

if TYPE_CHECKING:
    from boto3 import Session as AwsSession
    from google.oauth2.service_account import Credentials
    from mypy_boto3_s3 import S3Client

    from daybook.stage.s3 import S3Stage

logger = logging.getLogger("daybook.blocks")


@contextmanager
def reading_at_once(*databases: str) -> Iterator[None]:
    """Read the blocks of the warehouse, the stage and these `databases` in one request, for all calls in the block."""
    names = {*databases, "warehouse", "stage", "aws"}
    with _client() as client, stored_blocks.reading_at_once(client, {current_target().block(name) for name in names}):
        yield


def engine(name: str) -> Engine:
    """Return an engine for the database of `SqlAlchemyConnector/<name>` (`production`, `warehouse`, or another).

    The engine opens a new connection each time and closes it after use, so no run inherits the session of another. It
    does not log SQL. Its errors leave out bound values, which may be personal data. The lines that PostgreSQL itself
    adds to an error (`LINE 1`, `DETAIL`) may still contain one.

    Raises:
        BlockUnusable: the block is missing or invalid.
        ExtraMissing: the database is a warehouse, and its SQLAlchemy dialect is not installed.
    """
    from prefect_sqlalchemy import SqlAlchemyConnector

    variable = {"production": "DAYBOOK_PRODUCTION_URL", "warehouse": "DAYBOOK_WAREHOUSE_URL"}.get(name)
    connector = _load(SqlAlchemyConnector, name, variable)
    try:
        return connector.get_engine(hide_parameters=True, poolclass=NullPool)
    except NoSuchModuleError as error:  # Can't load plugin: sqlalchemy.dialects:redshift.psycopg2
        dialect = str(error).rpartition(":")[2].partition(".")[0]
        if dialect in warehouse_dialects():
            find_warehouse(dialect).check_installed()
        raise


def s3(name: str) -> "S3Client":
    """Return an S3 client with the keys of `AwsCredentials/<name>`. Raises `BlockUnusable` if the block is missing."""
    with extra("s3"):
        from prefect_aws import AwsCredentials

    client: S3Client = _load(AwsCredentials, name, "AWS_ACCESS_KEY_ID" if name == "aws" else None).get_client("s3")
    return client


def google(name: str) -> "Credentials":
    """Return the Google account of `GcpCredentials/<name>`. Raises `BlockUnusable` if the block is missing."""
    with extra("sheets"):
        from prefect_gcp import GcpCredentials

    variable = "GOOGLE_SERVICE_ACCOUNT_FILE" if name == "google" else None
    return _load(GcpCredentials, name, variable).get_credentials_from_service_account()


def warehouse(patience: int | None = None) -> Warehouse:
    """Return the warehouse of `SqlAlchemyConnector/warehouse`; for Redshift, with the role of `RedshiftCopy/warehouse`.

    `patience` is the limit in seconds for a connection attempt and for each statement (None: no limit).

    Raises:
        BlockUnusable: a block is missing or invalid, or another target writes the same tables of the same database.
        WarehouseError: the database cannot be a warehouse.
    """
    database = engine("warehouse")
    check_own(database.url, "warehouse")
    wanted = find_warehouse(database.dialect.name).options
    found = open_warehouse(database, **{name: read() for name, read in _OPTIONS.items() if name in wanted})
    if patience is not None:
        found.set_timeouts(patience)
    return found


def stage() -> "FolderStage | S3Stage":
    """Return the stage that `S3Bucket/stage` or `LocalFileSystem/stage` describes.

    Raises:
        BlockUnusable: both blocks exist, or none.
    """
    target = current_target()
    name = target.block("stage")
    with _client() as client:
        on_s3 = document(client, S3_STAGE, name) is not None
        in_folder = document(client, FOLDER_STAGE, name) is not None
    if on_s3 and in_folder:
        raise BlockUnusable(
            f"two stages exist, S3Bucket/{name} and LocalFileSystem/{name}: delete one in the UI, or "
            + _remedy("DAYBOOK_STAGE_URL")
        )
    if on_s3:
        with extra("s3"):
            from prefect_aws import S3Bucket
        from daybook.stage.s3 import S3Stage

        bucket = _load(S3Bucket, "stage", "DAYBOOK_STAGE_URL")
        prefix = "/".join(filter(None, [bucket.bucket_folder.rstrip("/"), target.stage_prefix]))
        return S3Stage(bucket.credentials.get_client("s3"), bucket.bucket_name, prefix)
    if in_folder:
        from prefect.filesystems import LocalFileSystem

        folder = _load(LocalFileSystem, "stage", "DAYBOOK_STAGE_URL").basepath
        if not folder:
            raise BlockUnusable(f"LocalFileSystem/{name} has no Basepath: {_remedy('DAYBOOK_STAGE_URL')}")
        return FolderStage(Path(folder) / target.stage_prefix)
    raise _missing(f"S3Bucket/{name} (or LocalFileSystem/{name})", "DAYBOOK_STAGE_URL")


def copy_iam_role() -> str | None:
    """Return the role that Redshift's COPY assumes, from `RedshiftCopy/warehouse`; None if there is no such block."""
    from daybook.orchestration.blocks.block_types import RedshiftCopy

    with _client() as client:
        found = existing(client, RedshiftCopy, "warehouse", "DAYBOOK_COPY_IAM_ROLE")
    return found.iam_role if found else None


def aws_session() -> "AwsSession | None":
    """Return the identity at AWS of `AwsCredentials/aws`; None if there is no such block, or if it has no keys."""
    with extra("s3"):
        from prefect_aws import AwsCredentials

    with _client() as client:
        found = existing(client, AwsCredentials, "aws", "AWS_ACCESS_KEY_ID")
    if found is None or not (found.aws_access_key_id or found.profile_name):
        return None
    session: AwsSession = found.get_boto3_session()
    return session


#: The options of `open_warehouse` that come from blocks. A block is read only for a warehouse that takes the option.
#: The session is a function: only a login with IAM needs it.
_OPTIONS: dict[str, Callable[[], object]] = {"copy_iam_role": copy_iam_role, "aws_session": lambda: aws_session}


def existing(client: SyncPrefectClient, kind: type[B], name: str, variable: str | None) -> B | None:
    """Return the block `<kind>/<name>`, or None if there is no such block.

    The error names `variable`, from which the block is made. Pass None for a block that people create in the UI.

    Raises:
        BlockUnusable: the block is invalid.
    """
    stored = document(client, kind.get_block_type_slug(), current_target().block(name))
    return _load(kind, name, variable) if stored else None


def secret_values() -> tuple[str, ...]:
    """Return the passwords, keys and tokens of every block, or none if they cannot be read. Never raises."""
    try:
        with _client() as client:
            return tuple(sorted(stored_blocks.secret_values(client)))
    except Exception as error:
        logger.warning("the blocks' secrets could not be read: %s", type(error).__name__)
        return ()


def _load(kind: type[B], name: str, variable: str | None) -> B:
    """Return the target's block for the block `name` of the files."""
    check_server_is_named()
    name = current_target().block(name)
    try:
        return load(kind, name)
    except RuntimeError:
        # Prefect raises this for a block that does not fit its type. It is not chained: its cause repeats the values.
        remedy = _remedy(variable) if variable else "correct it in the UI"
        raise BlockUnusable(f"the block {kind.__name__}/{name} is invalid: {remedy}") from None
    except ValueError:
        raise _missing(f"{kind.__name__}/{name}", variable) from None


def _client() -> SyncPrefectClient:
    """Return a client of the named server. Without one, Prefect would start a temporary server."""
    check_server_is_named()
    return get_client(sync_client=True)


def _missing(block: str, variable: str | None) -> BlockUnusable:
    remedy = _remedy(variable) if variable else "create it in the UI, under Blocks"
    target = current_target()
    other = "" if target.is_prod else f", or name another block under targets: {target.name}: blocks: in daybook.yaml"
    return BlockUnusable(f"the block {block} is missing: {remedy}{other}")


def _remedy(variable: str) -> str:
    return f"set {variable} and run `{blocks_command()}`"


def blocks_command() -> str:
    """Return the command that saves the blocks of the current target."""
    target = current_target()
    return "daybook blocks" if target.is_prod else f"daybook blocks --target {target.name}"
