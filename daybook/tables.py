"""`python -m daybook.tables` is another name of `daybook schemas`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["schemas", *sys.argv[1:]]))
