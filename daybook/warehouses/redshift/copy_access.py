"""How COPY gets at S3: a role or access keys, the bucket's region, and what to change if S3 refuses.

https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-authorization.html
"""

import re
from collections.abc import Sequence

from daybook.errors import WarehouseError
from daybook.redaction import without_secrets
from daybook.sql.database_error import DatabaseError
from daybook.stage.base import Stage
from daybook.warehouses.session import Session

#: What the option `copy_iam_role` may be, except for a role: the cluster's default role, or the keys of the stage.
DEFAULT, KEYS = "default", "access_keys"
#: S3 may answer a moment later: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_BUSY = r"^S3ServiceException.*(Status 5\d\d|SlowDown|InternalError|RequestTimeout)"
_SET = "set DAYBOOK_COPY_IAM_ROLE and run `daybook blocks`"
#: The remedy for each refusal. The first that matches counts.
_REMEDIES = (
    (
        "not authorized to assume|[Nn]ot authorized to get credentials of role",
        "Attach {who} to the cluster (aws redshift modify-cluster-iam-roles --add-iam-roles ROLE; for Redshift "
        "Serverless, to its namespace), and let redshift.amazonaws.com assume it in its trust policy",
    ),
    (
        "[Dd]efault IAM role",
        "Give the cluster one (aws redshift modify-cluster-iam-roles --default-iam-role-arn ROLE), or " + _SET,
    ),
    (
        "PermanentRedirect|specified endpoint|AuthorizationHeaderMalformed|wrong; expecting",
        "The bucket {buckets} is not in {region}. Daybook asks S3 for the region by HeadBucket: allow s3:ListBucket on "
        "{arns} to the stage's credentials, and do not send them through a proxy that removes headers",
    ),
    (
        "ExpiredToken|token has expired",
        f"Nothing was loaded. Redshift renews the credentials of a role until a COPY ends, but not access keys: {_SET} "
        "with a role, or give the keys a longer session. Then run the load again",
    ),
    (
        "InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|InvalidClientTokenId",
        "Correct the keys in the block AwsCredentials/aws, or use a role: " + _SET,
    ),
    (
        "NoSuchBucket|NoSuchKey",
        "A lifecycle rule or another run may have deleted it. Run the load again",
    ),
    (
        "AccessDenied|Access Denied|Forbidden|Status 403",
        "Allow s3:ListBucket on {arns} and s3:GetObject on {objects} to {who}. If the bucket {buckets} is in another "
        "account, allow both in the bucket's policy, too, or chain a role of that account: "
        "DAYBOOK_COPY_IAM_ROLE=ROLE,ROLE_OF_THAT_ACCOUNT. If KMS encrypts it, allow kms:Decrypt on its key",
    ),
)


def run_copy(
    session: Session, into: str, options: str, values: Sequence[object], role: str, stage: Stage, uris: Sequence[str]
) -> None:
    """Run `COPY into FROM … options`. The first of `uris` is the manifest on the stage, the others are files elsewhere.

    `values` are the bind values of `options`. The keys of a COPY are in no error: libpq's errors quote parts of a
    statement.

    Raises:
        DatabaseError: COPY failed. If S3 refused it, the message says what to allow, and to whom.
    """
    authorization, bound, secrets = _authorization(role, stage)
    region = stage.region()
    statement = f"COPY {into} FROM %s {authorization} MANIFEST {options}{' REGION %s' if region else ''}"
    try:
        session.run(statement, [uris[0], *bound, *values, *filter(None, [region])])
    except DatabaseError as error:
        failed = error
    else:
        return
    failed.transient |= re.search(_BUSY, failed.message) is not None
    remedy = _remedy(failed, role, region, uris)
    raise _explained(failed, remedy, secrets)  # outside of the block: the driver's error must not be its context


def _authorization(role: str, stage: Stage) -> tuple[str, list[str], list[str]]:
    """Return the SQL of the authorization, its bind values, and those of them that are secret."""
    if role == DEFAULT:
        return "IAM_ROLE default", [], []
    if role != KEYS:
        return "IAM_ROLE %s", [role], []
    keys = stage.access_keys()
    if keys is None:
        raise WarehouseError(f"the stage {stage} has no access keys, with which COPY would read it: {_SET} with a role")
    parts = [keys.id, keys.secret, *filter(None, [keys.token])]
    names = ("ACCESS_KEY_ID %s", "SECRET_ACCESS_KEY %s", "SESSION_TOKEN %s")
    return " ".join(names[: len(parts)]), parts, parts


def _remedy(error: DatabaseError, role: str, region: str | None, uris: Sequence[str]) -> str | None:
    buckets = sorted({uri.removeprefix("s3://").partition("/")[0] for uri in uris})
    who = {DEFAULT: "the cluster's default role", KEYS: "the user of the access keys"}.get(
        role, f"the role {role.rpartition(',')[2]}"
    )
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, error.message):
            where = f"the region {region}" if region else "the cluster's region"
            arns = [f"arn:aws:s3:::{bucket}" for bucket in buckets]
            return remedy.format(
                who=who,
                arns=" and ".join(arns),
                objects=" and ".join(f"{arn}/*" for arn in arns),
                buckets=" or ".join(buckets),
                region=where,
            )
    return None


def _explained(error: DatabaseError, remedy: str | None, secrets: Sequence[str]) -> DatabaseError:
    """Return the error with its remedy, if there is one, and without any part of the secrets."""
    message = f"{error.message.rstrip('.')}. {remedy}" if remedy else error.message
    if not secrets:
        error.message = message
        return error
    message, detail = (without_secrets(text, secrets) for text in (message, error.detail or ""))
    text = "\n".join(filter(None, (message, detail)))
    return DatabaseError(
        text,
        message,
        error.conditions,
        transient=error.transient,
        lost=error.lost,
        detail=detail or None,
        column=error.column,
    )
