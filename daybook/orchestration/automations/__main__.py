"""`python -m daybook.orchestration.automations`: what `make deploy` does last. It prints a line for each automation."""

import argparse
import sys

from daybook.errors import DaybookError


def main() -> int:
    """Apply deployments/automations.yaml to the server of PREFECT_API_URL.

    Returns the exit code: 0 done, 1 refused or no server.
    """
    from daybook.orchestration.automations.apply import apply  # it imports Prefect, for which --help should not wait
    from daybook.orchestration.automations.spec import read

    try:
        for outcome in apply(read()):
            print(f"{outcome.name:<36} {outcome.action:<9}  {outcome.says}", flush=True)
    except DaybookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m daybook.orchestration.automations", description=__doc__).parse_args()
    sys.exit(main())
