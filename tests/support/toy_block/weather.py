"""A test block, declared in this file only: the key of a weather service."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

if TYPE_CHECKING:
    from prefect.blocks.core import Block


def read_key(text: str) -> str:
    """Return the key. Raises `BadValue` if it is too short."""
    if len(text) < 6:
        raise BadValue("is too short: write the whole key")
    return text


API_KEY = Variable("WEATHER_API_KEY", "the key of the weather service", read_key, examples=("sunny-1234",))


class Weather(BlockDeclaration):
    """The weather service."""

    makes = "Secret/weather"
    variables = (API_KEY,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the key."""
        from prefect.blocks.system import Secret

        key = environment[API_KEY]
        yield BlockToSave(Secret(value=key), "weather", shown=f"key ...{key[-4:]}")
