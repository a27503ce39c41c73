"""`python -m deployments.automations` is another name for `daybook automations`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["automations", *sys.argv[1:]]))
