"""The flows, one in each file. A file, its function and its flow have the same name."""

import sys

if sys.argv[:1] == ["-m"]:  # of `python -m flows.nps`, while Python imports this package
    from daybook.garbage import search_rarely
    from daybook.orchestration.server.require import check_command

    search_rarely()
    check_command(sys.orig_argv)  # before a flow imports Prefect, which takes seconds
