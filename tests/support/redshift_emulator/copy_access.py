"""Decide if a COPY may read an object: its role or keys, the bucket's policy, and the bucket's region.

Only what the estate names is checked: without the file, every role and every bucket is open.
"""

from dataclasses import dataclass

from tests.support.redshift_emulator.copy_options import CopyOptions
from tests.support.redshift_emulator.errors import RedshiftError, internal
from tests.support.redshift_emulator.estate import Estate

HOME = "us-east-1"  # the cluster's region, unless the estate has another one


def service_error(message: str, status: int, code: str) -> RedshiftError:
    """Return the error for an answer of S3, as STL_LOAD_ERRORS and users' reports show it."""
    return internal(f"S3ServiceException:{message},Status {status},Error {code}")


@dataclass
class Keys:
    """The access keys of a COPY, and its session token."""

    id: str = ""
    secret: str = ""
    token: str = ""


class Access:
    """The identity with which one COPY reads S3."""

    def __init__(self, copy: CopyOptions, keys: Keys, estate: Estate, user: str) -> None:
        self._estate, self._region = estate, copy.given.get("REGION") or estate["region"] or HOME
        self._keys, self._reads = keys, 0
        self._reader = self._assumed(copy.given["IAM_ROLE"], user) if "IAM_ROLE" in copy else keys.id

    def _assumed(self, given: str, user: str) -> str:
        """Return the last role of a chain. https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service.html"""
        attached = self._estate["roles"]
        role = (self._estate["default_role"] or "") if given.lower() == "default" else given
        if given.lower() == "default" and attached is not None and not role:
            raise internal("The cluster has no default IAM role")  # the wording is an assumption
        if attached is not None and role.split(",")[0] not in attached:
            who = f"arn:aws:redshift:{self._region}:123456789012:dbuser:cluster/{user}"
            raise internal(f"User {who} is not authorized to assume IAM Role {role.split(',')[0]}")
        return role.split(",")[-1]

    def check(self, url: str) -> None:
        """Raise RedshiftError unless this COPY may read the object at `url` now."""
        self._check_keys()
        name = url.removeprefix("s3://").partition("/")[0]
        bucket = (self._estate["buckets"] or {}).get(name)
        if bucket is None:
            return
        if bucket.get("region", self._region) != self._region:
            # https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-source-s3.html#copy-region
            specified = (
                "must be addressed using the specified endpoint. Please send all future requests to this endpoint."
            )
            raise service_error(f"The bucket you are attempting to access {specified}", 301, "PermanentRedirect")
        if "readers" in bucket and self._reader not in bucket["readers"]:
            raise service_error("Access Denied", 403, "AccessDenied")

    def _check_keys(self) -> None:
        known = (self._estate["keys"] or {}).get(self._keys.id)
        if known is None:
            return
        if (self._keys.secret, self._keys.token) != (known["secret"], known.get("token", "")):
            raise service_error("The provided token is malformed or otherwise invalid.", 400, "InvalidToken")
        self._reads += 1
        if self._reads > known.get("reads", self._reads):
            # "If the temporary security credentials expire during the operation, the command fails":
            # https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-access-permissions.html
            raise service_error("The provided token has expired.", 400, "ExpiredToken")
