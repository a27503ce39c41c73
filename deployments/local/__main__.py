"""`python -m deployments.local demo|up|down|status` is another name for `daybook demo` and `daybook stack`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments if arguments[:1] == ["demo"] else ["stack", *arguments]))
