"""The plan of one run: which of the declared blocks the environment asks for, or every reason to refuse it.

Nothing here imports Prefect, so that a mistake is reported at once and before anything is saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybook.orchestration.blocks.declaration import BlockDeclaration
from daybook.orchestration.blocks.environment import Environment
from daybook.orchestration.blocks.errors import EnvironmentRefused, NothingSet


@dataclass(frozen=True)
class BlockPlan:
    """The blocks to make, and the environment that they are made from."""

    wanted: tuple[BlockDeclaration, ...]
    environment: Environment


def plan_blocks(declarations: Sequence[BlockDeclaration], environ: Mapping[str, str]) -> BlockPlan:
    """Return the plan that `environ` (`os.environ`, say) asks for.

    Raises:
        NothingSet: no variable is set that makes one of the declared blocks.
        EnvironmentRefused: it has every problem at once, those of one block together.
    """
    environment = Environment(environ)
    variables = [variable for declaration in declarations for variable in declaration.variables]
    if not any(variable.requests_block and environment.is_set(variable) for variable in variables):
        raise NothingSet("no variable is set that makes a block")
    for declaration in declarations:
        for variable in declaration.variables:
            environment.value(variable)
        declaration.check(environment)
    if environment.problems:
        raise EnvironmentRefused(environment.problems)
    return BlockPlan(tuple(one for one in declarations if one.is_wanted(environment)), environment)
