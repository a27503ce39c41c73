"""`python -m daybook.tables` runs `daybook schemas`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["schemas", *sys.argv[1:]]))
