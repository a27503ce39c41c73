"""Log in to Redshift with IAM: a temporary password for each new connection, instead of one in the URL.

Add `?iam=true` to the URL. The other options have the names that AWS's own driver uses
(https://docs.aws.amazon.com/redshift/latest/mgmt/python-configuration-options.html):

- a cluster: `cluster_identifier`, `region`, `db_groups` and `auto_create`. With a user in the URL, Daybook calls
  GetClusterCredentials for that user. Without one, it calls GetClusterCredentialsWithIAM, and Redshift derives the user
  from the identity at AWS.
- Redshift Serverless: `serverless_work_group` and `region`. Daybook calls GetCredentials. The URL has no user.
- both: `profile`, a profile of the worker's AWS configuration.

Daybook takes the cluster, the work group and the region from the host if the URL does not have them.

AWS's driver, redshift-connector, gets such passwords, too, and it understands authentication request 13. Daybook keeps
psycopg2 all the same: it reads PostgreSQL and Redshift through the same code, which relies on the text of each value as
the server sends it, on libpq's keepalives, and on the connection's socket to give up a silent server.
redshift-connector decodes values itself, and its socket is private.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from daybook.errors import WarehouseError
from daybook.extras import extra
from daybook.redaction import without_secrets
from daybook.sql.database_error import DatabaseError

if TYPE_CHECKING:
    from boto3 import Session

#: The options of a URL that select and describe the login. psycopg2 does not get them.
OPTIONS = frozenset(
    {"iam", "cluster_identifier", "serverless_work_group", "region", "db_groups", "auto_create", "profile"}
)
#: Seconds before its end in which a password is not used any more. A login may take `connect_timeout`, 30 seconds.
_MARGIN = 60
#: `NAME.ID.REGION.redshift.amazonaws.com` and `NAME.ACCOUNT.REGION.redshift-serverless.amazonaws.com`
_HOST = re.compile(r"([^.]+)\.[^.]+\.([a-z0-9-]+)\.redshift(-serverless)?\.amazonaws\.com(?:\.cn)?", re.IGNORECASE)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_BUSY = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "InternalFailure", "ServiceUnavailable"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
_MISSING = {"ClusterNotFound", "ClusterNotFoundFault", "ResourceNotFoundException"}
_WRONG_KEYS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidAccessKeyId"),
}


@dataclass(frozen=True, slots=True)
class IamLogin:
    """The login that a URL asks for."""

    database: str
    user: str | None
    """The database user. None: Redshift derives it from the identity at AWS."""
    cluster: str | None
    """The identifier of the cluster. None: it is a work group of Redshift Serverless."""
    work_group: str | None
    region: str | None
    """None: the region of the AWS configuration."""
    groups: tuple[str, ...] = ()
    auto_create: bool = False
    profile: str | None = None

    @classmethod
    def of(cls, url: URL) -> "IamLogin | None":
        """Return the login of a URL, or None if it has a user and a password of the database.

        Raises:
            WarehouseError: the options contradict each other, or one is missing or wrong. "The URL" is the subject of
                the message.
        """
        given = {name: str(value) for name, value in url.query.items() if name in OPTIONS}
        flags = {name: _BOOLEANS.get(given.get(name, "false").lower()) for name in ("iam", "auto_create")}
        if wrong := [name for name, flag in flags.items() if flag is None]:
            raise WarehouseError(f"has ?{wrong[0]}={given[wrong[0]]}: write true or false")
        if not flags["iam"]:
            if given.keys() - {"iam"}:
                raise WarehouseError(f"has ?{min(given.keys() - {'iam'})}=, an option of logins with IAM: add iam=true")
            return None
        host = _HOST.fullmatch(url.host or "")
        serverless = "serverless_work_group" in given or (host is not None and host[3] is not None)
        name = host[1] if host else None
        login = cls(
            database=url.database or "",
            user=url.username,
            cluster=None if serverless else given.get("cluster_identifier", name),
            work_group=given.get("serverless_work_group", name) if serverless else None,
            region=given.get("region", host[2] if host else None),
            groups=tuple(filter(None, given.get("db_groups", "").split(","))),
            auto_create=bool(flags["auto_create"]),
            profile=given.get("profile"),
        )
        login._check(url, given)
        return login

    def _check(self, url: URL, given: dict[str, str]) -> None:
        problem = None
        if url.password:
            problem = "has a password and iam=true: remove one of them"
        elif not self.cluster and not self.work_group:
            problem = "has iam=true, but its host names no cluster: add cluster_identifier or serverless_work_group"
        elif self.work_group and "cluster_identifier" in given:
            problem = "names a cluster and a work group of Redshift Serverless: remove one of them"
        elif self.work_group and self.user:
            problem = "has a user, but Redshift Serverless derives it from the identity at AWS: remove the user"
        elif (self.groups or self.auto_create) and not self.user:
            problem = "has db_groups or auto_create, which need a user in the URL of a cluster"
        if problem:
            raise WarehouseError(problem)

    @property
    def place(self) -> str:
        """Return the cluster or the work group, for people."""
        return f"cluster {self.cluster}" if self.cluster else f"work group {self.work_group}"

    @property
    def action(self) -> str:
        """Return the permission that the identity at AWS needs."""
        if self.work_group:
            return "redshift-serverless:GetCredentials"
        return f"redshift:GetClusterCredentials{'' if self.user else 'WithIAM'}"

    def dbt_output(self) -> dict[str, Any]:
        """Return the login as fields of a dbt profile (https://docs.getdbt.com/docs/core/connect-data-platform)."""
        fields: dict[str, Any] = {"method": "iam", "user": self.user} if self.user else {"method": "iam_role"}
        if self.work_group:
            fields |= {"is_serverless": True, "serverless_work_group": self.work_group}
        else:
            fields |= {"cluster_id": self.cluster, "autocreate": self.auto_create, "db_groups": list(self.groups)}
        return fields | {"region": self.region, "iam_profile": self.profile}


class TemporaryPasswords:
    """Gives each new connection a user and a temporary password, and keeps them until shortly before they expire.

    `session` returns the identity at AWS; None: that of the machine.
    """

    def __init__(self, login: IamLogin, session: "Callable[[], Session | None] | None") -> None:
        self._login, self._session = login, session
        self._lock = threading.Lock()
        self._found, self._until = ("", ""), 0.0
        self._client: Any = None

    def on_connect(self, _dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        """Set user and password of a connection that SQLAlchemy is about to open (its event `do_connect`).

        Raises:
            DatabaseError: AWS gives no password. It is transient if AWS could not be reached.
        """
        given = {name for name in OPTIONS if parameters.pop(name, None) is not None}
        if "iam" not in given:
            return  # another warehouse on this engine has set them
        with self._lock:
            if time.monotonic() >= self._until:
                self._found, self._until = self._ask()
            parameters["user"], parameters["password"] = self._found

    def _ask(self) -> tuple[tuple[str, str], float]:
        """Return a user, a password, and the time until which they are used, on the monotonic clock."""
        with extra("s3"):
            from botocore.exceptions import (
                BotoCoreError,
                ClientError,
                ConnectionError,
                HTTPClientError,
                NoCredentialsError,
            )
        asked = time.monotonic()
        try:
            answer = self._call()
        except ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            busy = code in _BUSY or status >= 500
            said = without_secrets(error.response["Error"].get("Message", "no reason").split("\n")[0])
            raise self._error(f"AWS answered {code} ({status}), {said}", self._remedy(code), busy) from None
        except NoCredentialsError:
            remedy = "give the machine a role, or set AWS_ACCESS_KEY_ID and its secret and run `daybook blocks`"
            raise self._error("found no credentials of AWS", remedy) from None
        except (ConnectionError, HTTPClientError) as error:
            remedy = "check that this machine can reach AWS's API of Redshift, or give its VPC an endpoint for it"
            raise self._error(type(error).__name__, remedy, True) from None
        except BotoCoreError as error:
            raise self._error(str(error), "correct the URL or the AWS configuration") from None
        fields = {name.lower(): value for name, value in answer.items()}
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")  # so that this machine's clock may be wrong
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        seconds = (fields["expiration"] - now).total_seconds()
        return (fields["dbuser"], fields["dbpassword"]), asked + seconds - _MARGIN

    def _call(self) -> dict[str, Any]:
        login = self._login
        if self._client is None:
            import boto3
            from botocore.config import Config

            shared = self._session() if self._session and not login.profile else None
            session = shared or boto3.Session(profile_name=login.profile)
            service: Any = "redshift-serverless" if login.work_group else "redshift"
            limits = Config(connect_timeout=30, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 2})
            region = login.region or session.region_name
            self._client = session.client(service, region_name=region, config=limits)
        if login.work_group:
            answer = self._client.get_credentials(workgroupName=login.work_group, dbName=login.database)
        elif login.user is None:
            answer = self._client.get_cluster_credentials_with_iam(
                ClusterIdentifier=login.cluster, DbName=login.database
            )
        else:
            answer = self._client.get_cluster_credentials(
                ClusterIdentifier=login.cluster,
                DbName=login.database,
                DbUser=login.user,
                DbGroups=list(login.groups),
                AutoCreate=login.auto_create,
            )
        found: dict[str, Any] = answer
        return found

    def _remedy(self, code: str) -> str:
        login = self._login
        if code in _MISSING:
            return f"correct cluster_identifier, serverless_work_group or region in the URL: {login.place} is not there"
        if code in _WRONG_KEYS:
            return "renew the keys in the block AwsCredentials/aws, or give the machine a role"
        if code in _BUSY:
            return "run this again"
        if code not in _DENIED:
            return "correct the URL, or wait until the cluster is available"
        # https://docs.aws.amazon.com/redshift/latest/mgmt/generating-iam-credentials-role-permissions.html
        resources = [f"dbname:{login.cluster}/{login.database}"]
        resources += [f"dbuser:{login.cluster}/{login.user}"] if login.user else []
        on = f"the work group {login.work_group}" if login.work_group else " and ".join(resources)
        return f"allow {login.action} on {on} in the policy of the identity at AWS"

    def _error(self, reason: str, remedy: str, transient: bool = False) -> DatabaseError:
        text = f"cannot get a temporary password for {self._login.place} by {self._login.action}: {reason}: {remedy}"
        return DatabaseError(text, text, lost=transient)
