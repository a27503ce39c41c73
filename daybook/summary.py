"""`python -m daybook.summary` runs `daybook summary`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["summary", *sys.argv[1:]]))
