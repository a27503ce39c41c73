"""`python -m deployments.scheduled` lists what runs by itself on the server of PREFECT_API_URL, and what is paused."""


def main() -> None:
    """Print the lists. Raises DaybookError if the server cannot be reached."""
    from daybook.orchestration.blocks.server import server  # imports Prefect, which is slow
    from daybook.orchestration.deploy.scheduled import lines

    with server() as client:
        for line in lines(client):
            print(line)


if __name__ == "__main__":
    main()
