"""Validate addresses, for several modules: http(s) URLs, e-mail addresses, and the ARN of a role."""

import re
from urllib.parse import SplitResult, urlsplit

from daybook.orchestration.blocks.errors import BadValue

_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=.@/-]+"
COPY_IAM_ROLE = f"^(default|access_keys|{_ROLE}(,{_ROLE})*)$"
"""The values that Redshift accepts as IAM_ROLE: `default`, the ARN of a role, or of several roles that are assumed in
turn (https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-authorization.html). Daybook adds `access_keys`,
for the keys of the stage instead of a role. No such value can end a SQL literal."""
EMAIL_ADDRESS = r"^[!-?A-~]+@[A-Za-z0-9.-]+$"
"""An e-mail address that a mail server without SMTPUTF8 accepts."""


def copy_iam_role(text: str) -> str:
    """Return what Redshift's COPY reads S3 with: a role, or access keys. Raises `BadValue` if `text` is neither."""
    if not re.fullmatch(COPY_IAM_ROLE, text):
        raise BadValue("is not a role: write its ARN, arn:aws:iam::123456789012:role/NAME, or default, or access_keys")
    return text


def http_url(text: str, remedy: str) -> SplitResult:
    """Return the parts of an http(s) URL. Raises `BadValue` with `remedy`, the text to write instead."""
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is not a number, a bracket that is not closed
        pass
    raise BadValue(f"is not an http(s) URL: {remedy}")
