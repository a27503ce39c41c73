"""Summary tables: one SELECT and some checks, in two files that an analyst writes.

`form` is what may stand in them and `files` reads them; `lineage` finds out what the SELECT reads, `graph` the order
that follows from it; `stale` tells what has to be built anew, `build` builds it, `swap` lets readers see it, all at
once. `cases` runs a summary on a handful of rows. `python -m daybook.summary` is for the analyst at a desk.
"""
