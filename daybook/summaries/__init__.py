"""Summary tables: one SELECT and some checks, in two files that an analyst writes.

- `form` is what may stand in the files, and `files` reads them.
- `lineage` finds out what the SELECT reads, `names` where its text says so, `outputs` which columns it gives; `live` is
  what the warehouse has. `graph` is the order that follows, and `side_by_side` builds in it.
- `stale` tells what has to be built anew, by what the last build had read (`inputs`): all of it, where rows are
  `chosen` by another column than they are loaded by, and each time where it is not `repeatable`.
- `build` builds it: `select` is the statement that is sent, `build_table` the table under a temporary name, `verify`
  what must hold of it, and `swap` lets readers see it, all at once.
- `cases` runs a summary on a handful of rows: those that are `given`, and the `differences` from those expected.
- `daybook summary` is for the analyst at a desk.
"""
