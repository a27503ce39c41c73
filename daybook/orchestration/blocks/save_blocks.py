"""Save the blocks of a plan on the Prefect server: create or update them, or leave them unchanged.

An unchanged block is not saved again: Prefect takes two seconds to save one, because it registers type and schema each
time. A declaration imports an integration only when it builds a block with it, because that takes seconds, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.blocks.block_plan import BlockPlan
from daybook.orchestration.blocks.declaration import BlockToSave
from daybook.orchestration.blocks.errors import EnvironmentRefused
from daybook.orchestration.blocks.other_database import refusals
from daybook.orchestration.blocks.server import server
from daybook.orchestration.blocks.stored_blocks import document, load


@dataclass(frozen=True)
class Outcome:
    """The outcome for one block. `action` is created, updated, unchanged or removed; `shown` describes the content."""

    block: str
    action: str
    shown: str


def save(plan: BlockPlan, *, force: bool = False) -> Iterator[Outcome]:
    """Create, update and delete the server's blocks of the current target to match `plan`. Yield each outcome.

    Args:
        plan: the blocks.
        force: put another database into a stored block, too.

    Raises:
        EnvironmentRefused: a stored block has another database. Nothing is saved.
        ServerUnreachable: the outcomes yielded so far are done; a rerun does the rest.
    """
    saved: dict[str, Block] = {}
    target = current_target()
    with server() as client:
        databases = filter(None, (one.database(plan.environment) for one in plan.wanted))
        if not force and (problems := list(refusals(client, list(databases), target))):
            raise EnvironmentRefused(problems)
        for declaration in plan.wanted:
            for wanted in declaration.build(plan.environment, saved):
                placed = replace(wanted, name=target.block(wanted.name))
                saved[wanted.address], action = _put(client, placed)
                yield Outcome(placed.address, action, placed.shown)
                yield from _remove_replaced(client, placed)


def _put(client: SyncPrefectClient, wanted: BlockToSave) -> tuple[Block, str]:
    """Save the block unless the stored one is equal. Return the stored block and the action."""
    kind = type(wanted.block)
    action = "created"
    if document(client, kind.get_block_type_slug(), wanted.name):
        action = "updated"
        try:
            stored = load(kind, wanted.name)
            if _values(stored) == _values(wanted.block):
                return stored, "unchanged"
        except (RuntimeError, ValueError):
            pass  # created by hand or by an older release, and unreadable: replace it
    wanted.block.save(wanted.name, overwrite=True)
    return wanted.block, action


def _remove_replaced(client: SyncPrefectClient, wanted: BlockToSave) -> Iterator[Outcome]:
    if wanted.replaces:
        kind, slug = wanted.replaces
        if other := document(client, slug, wanted.name):
            client.delete_block_document(other.id)
            yield Outcome(f"{kind}/{wanted.name}", "removed", f"the {wanted.name} is {wanted.address} now")


def _values(block: Block) -> dict[str, Any]:
    return block.model_dump(mode="json", context={"include_secrets": True}, exclude=set(Block.__private_attributes__))
