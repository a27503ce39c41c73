"""`python -m flows.prometheus` is another name for `daybook prometheus`. It is not a flow."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["prometheus", *sys.argv[1:]]))
