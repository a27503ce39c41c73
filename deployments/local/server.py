"""`python -m deployments.local.server` starts the Prefect server of the local stack, with its fixes for SQLite."""

from daybook.orchestration.local_stack.prefect_server import main

if __name__ == "__main__":
    main()
