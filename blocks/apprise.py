"""The URLs of Apprise, which sends messages to Teams, PagerDuty, Discord, ntfy and many other services."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from daybook.orchestration.blocks import apprise_urls
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable

if TYPE_CHECKING:
    from prefect.blocks.core import Block

APPRISE_URLS = Variable(
    name="DAYBOOK_APPRISE_URLS",
    description="`NAME=URL`, several separated by spaces; the names are those in `apprise:` of `tables/owners.yaml`",
    read=apprise_urls.read,
    examples=(apprise_urls.EXAMPLE,),
)


class Apprise(BlockDeclaration):
    """One secret block for each URL."""

    position = 75
    makes = "Secret/apprise-NAME"
    variables = (APPRISE_URLS,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield a block for each URL. Any part of a URL may be a secret."""
        from prefect.blocks.system import Secret

        for name, url in environment[APPRISE_URLS].items():
            shown = f"{url.partition('://')[0]}://..."
            yield BlockToSave(Secret(value=SecretStr(url)), f"apprise-{name}", shown=shown)
