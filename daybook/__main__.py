"""`python -m daybook` runs `daybook`, for environments without the console script on the PATH."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    sys.exit(main())
