"""`python -m daybook` is `daybook`, for where the console script is not on the PATH."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main())
