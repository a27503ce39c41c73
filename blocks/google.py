"""The Google account that reads and writes sheets."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daybook.extras import extra
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

if TYPE_CHECKING:
    from prefect.blocks.core import Block


def read_key_file(text: str) -> dict[str, Any]:
    """Return the contents of the JSON key file at the path `text`. Raises `BadValue`."""
    path = Path(text).expanduser()
    try:
        info = json.loads(path.read_bytes())
    except OSError as error:
        raise BadValue(f"{path} cannot be read ({error.strerror}): give the path of the JSON key file") from None
    except ValueError:
        raise BadValue(f"{path} is not JSON: download the service account's key as JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise BadValue(
            f'{path} is not the key of a service account (no "type": "service_account"): download one as JSON'
        )
    with extra("sheets"):
        from google.oauth2.service_account import Credentials  # slow to import, and rarely needed

    try:
        if not Credentials.from_service_account_info(info).service_account_email:
            raise ValueError("client_email is empty")
    except Exception:  # errors of many types, some of which repeat the unreadable content
        raise BadValue(f"{path} is damaged or incomplete: download the service account's key again, as JSON") from None
    return info


SERVICE_ACCOUNT_FILE = Variable(
    name="GOOGLE_SERVICE_ACCOUNT_FILE",
    description="the path of a service account's JSON key; the key is stored, not the path",
    read=read_key_file,
    examples=("key.json",),
)


class Google(BlockDeclaration):
    """The service account."""

    position = 80
    makes = "GcpCredentials/google"
    variables = (SERVICE_ACCOUNT_FILE,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield a block with the key itself, because a worker on another machine does not have the file."""
        with extra("sheets"):
            from prefect_gcp import GcpCredentials

        key = environment[SERVICE_ACCOUNT_FILE]
        yield BlockToSave(GcpCredentials(service_account_info=key), "google", shown=key["client_email"])
