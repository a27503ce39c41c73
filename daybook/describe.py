"""`python -m daybook.describe` runs `daybook describe`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["describe", *sys.argv[1:]]))
