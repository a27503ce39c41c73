"""`python -m daybook.describe` is another name of `daybook describe`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main(["describe", *sys.argv[1:]]))
