"""`python -m deployments.local demo|up|down|status` is another name of `daybook demo` and of `daybook stack`."""

import sys

from daybook.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments if arguments[:1] == ["demo"] else ["stack", *arguments]))
