"""Plan which of the declared blocks to save for an environment, or refuse the environment with all reasons.

This module does not import Prefect, so mistakes are reported at once, before anything is saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybook.orchestration.blocks.declaration import BlockDeclaration
from daybook.orchestration.blocks.environment import Environment
from daybook.orchestration.blocks.errors import EnvironmentRefused, NothingSet


@dataclass(frozen=True)
class BlockPlan:
    """The blocks to save, and the environment that they are built from."""

    wanted: tuple[BlockDeclaration, ...]
    environment: Environment


def plan_blocks(declarations: Sequence[BlockDeclaration], environ: Mapping[str, str]) -> BlockPlan:
    """Return the plan for `environ`, such as `os.environ`.

    Raises:
        NothingSet: no variable of a declared block is set.
        EnvironmentRefused: the environment has problems. The error lists all of them, block by block.
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
