"""Open the project's blocks for a subcommand that is not a flow."""

from types import ModuleType


def project_blocks() -> ModuleType:
    """Return `daybook.orchestration.blocks.open`, which opens databases and the warehouse by their blocks.

    Raises:
        ServerUnreachable: the Prefect server, which stores the blocks, does not answer.
    """
    from daybook.orchestration.server.require import require_server

    require_server()
    from daybook.orchestration.blocks import open as blocks  # imports Prefect
    from daybook.orchestration.blocks.server import server

    with server():
        return blocks
