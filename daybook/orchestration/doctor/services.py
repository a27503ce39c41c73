"""The stage and Slack: written to and read, and reached without a message."""

import uuid
from collections.abc import Iterator

import httpx

from daybook.orchestration.doctor.findings import Finding
from daybook.stage.base import Stage

#: Slack's answers to an empty body, from a webhook that works.
_REFUSALS = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")


def check_stage(stage: Stage, redshift: bool) -> Iterator[Finding]:
    """Write, read and delete a small object on the stage."""
    key, data = f"daybook-doctor/{uuid.uuid4().hex}", b"written by daybook doctor"
    stage.put(key, data)
    if stage.get(key) != data:
        yield Finding("error", "stage", f"{stage.uri(key)} has other bytes than were written")
    stage.delete(key)
    yield Finding("ok", "stage", f"{stage}: an object was written, read and deleted")
    if redshift and not stage.uri(key).startswith("s3://"):
        remedy = "set DAYBOOK_STAGE_URL=s3://BUCKET/PREFIX and run `daybook blocks`"
        yield Finding("error", "stage", "Redshift cannot COPY from a folder", remedy)


def check_slack(webhook: str) -> Iterator[Finding]:
    """Send Slack an empty body, which it refuses as `no_text` or `invalid_payload` without posting a message."""
    remedy = "set SLACK_WEBHOOK_URL and run `daybook blocks`"
    try:
        answer = httpx.post(webhook, json={}, timeout=4)
    except httpx.HTTPError as error:  # the text may repeat the URL, which is a secret
        yield Finding("error", "Slack", f"not reachable: {type(error).__name__}", remedy)
        return
    if answer.status_code == 400 and answer.text.strip() in _REFUSALS:
        yield Finding("ok", "Slack", "the webhook answers (no message was posted)")
    else:
        yield Finding("error", "Slack", f"the webhook answers {answer.status_code} {answer.text.strip()[:60]}", remedy)
