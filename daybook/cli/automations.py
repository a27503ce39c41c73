"""`daybook automations`: create or update the Prefect automations of deployments/automations.yaml."""

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, prog: str = "daybook automations") -> None:
    """Create or update each automation on the server of PREFECT_API_URL, and print a line for it.

    Raises:
        DaybookError: the file is missing or wrong, or the server cannot be reached.
    """
    description = "Create or update the automations of deployments/automations.yaml on the server of PREFECT_API_URL."
    argparse.ArgumentParser(prog=prog, description=description).parse_args(arguments)
    from daybook.definitions.targets.project_target import current_target
    from daybook.errors import TableFileError
    from daybook.orchestration.server.require import require_server

    if not (target := current_target()).is_prod:
        raise TableFileError(
            f"automations are about the whole Prefect server, so they belong to prod: run {prog} without --target. The "
            f"monitor of {target.name} finds failures by its own schedule"
        )
    require_server()
    from daybook.orchestration.automations.apply import apply  # imports Prefect, which is slow
    from daybook.orchestration.automations.spec import read

    for outcome in apply(read()):
        print(f"{outcome.name:<36} {outcome.action:<9}  {outcome.says}", flush=True)
