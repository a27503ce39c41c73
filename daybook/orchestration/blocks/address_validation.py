"""Reads the values that are not database URLs: stage, endpoint, role, webhook, token, key file. One function a kind.

Each takes the text of a variable, returns what it means, and raises `BadValue` with the remedy.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from daybook.orchestration.blocks.errors import BadValue

_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=.@/-]+"
COPY_IAM_ROLE = f"^{_ROLE}(,{_ROLE})*$"
"""What Redshift takes as IAM_ROLE: the ARN of a role, or of several that are assumed in turn
(https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-authorization.html).
Nothing in it could end a literal."""


@dataclass(frozen=True)
class S3Place:
    """`s3://bucket/prefix`. The prefix has no slash at either end, and may be empty."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def stage(text: str) -> S3Place | Path:
    """`s3://bucket/prefix`, or a folder (`file://` or plain; `~` and relative paths are made absolute)."""
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        # Amazon's naming rules as they were before 2018, which S3-compatible servers and old buckets still live by.
        if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}", bucket):
            raise BadValue("names no bucket: write s3://BUCKET/PREFIX (keys go into AWS_ACCESS_KEY_ID, not in here)")
        return S3Place(bucket, prefix.strip("/"))
    if text.startswith("file:"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise BadValue("is not a folder of this machine: write file:///ABSOLUTE/PATH, or just the path")
        text = unquote(parts.path)
    elif "://" in text:
        raise BadValue("is neither S3 nor a folder: write s3://BUCKET/PREFIX, or a path")
    try:
        folder = Path(text).expanduser().resolve()
    except (RuntimeError, ValueError):  # no such ~user; a NUL byte
        raise BadValue("is not a path of this machine: write an absolute one") from None
    if folder.exists() and not folder.is_dir():
        raise BadValue(f"{folder} is a file: name a folder, which need not exist yet")
    return folder


def endpoint(text: str) -> str:
    """The URL of an S3-compatible server, or of a VPC's own endpoint to Amazon's."""
    parts = _http(text, "write http(s)://HOST:PORT")
    if "@" in parts.netloc:
        raise BadValue("holds a user or password: keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return text


def is_amazons(endpoint_url: str) -> bool:
    """Whether the endpoint is Amazon's own, which alone knows the roles of machines."""
    return (urlsplit(endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))


def webhook(text: str) -> str:
    """The URL that Slack gave for an incoming webhook. It is a secret as a whole."""
    _http(text, "write https://hooks.slack.com/services/..., as Slack shows it under Incoming Webhooks")
    return text


def slack_bot_token(text: str) -> str:
    """The token by which Slack knows the app's bot."""
    if not re.fullmatch(r"(xoxe\.)?xoxb-[A-Za-z0-9-]+", text):
        raise BadValue("is not a bot's token: write xoxb-..., as Slack shows it under OAuth & Permissions")
    return text


def copy_iam_role(text: str) -> str:
    """The ARN of the role that Redshift's COPY assumes."""
    if not re.fullmatch(COPY_IAM_ROLE, text):
        raise BadValue("is not a role: write its ARN, arn:aws:iam::123456789012:role/NAME")
    return text


def google_service_account(text: str) -> dict[str, Any]:
    """The contents of the JSON key file that `text` is the path of."""
    path = Path(text).expanduser()
    try:
        info = json.loads(path.read_bytes())
    except OSError as error:
        raise BadValue(f"{path} cannot be read ({error.strerror}): give the path of the JSON key file") from None
    except ValueError:
        raise BadValue(f"{path} is not JSON: download the service account's key as JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise BadValue(f'{path} is not the key of a service account (no "type": "service_account"): download that one')
    from google.oauth2.service_account import Credentials  # slow to import, and few need it

    try:
        if not Credentials.from_service_account_info(info).service_account_email:
            raise ValueError("client_email is empty")
    except Exception:  # one of many kinds, some of which repeat what they could not read
        raise BadValue(f"{path} is damaged or incomplete: download the service account's key again, as JSON") from None
    return info


def _http(text: str, remedy: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is no number, a bracket that is not closed
        pass
    raise BadValue(f"is not an http(s) URL: {remedy}")
