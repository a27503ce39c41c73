"""Summary tables. An analyst writes two files for each: one SELECT, and its key, columns and checks.

- `parse` reads the SELECT with sqlglot. `lineage` finds its inputs, `table_names` their places in the text,
  `output_columns` its columns, `interval_filters` the columns that it filters by, and `determinism` the functions whose
  results differ from run to run.
- `graph` puts the summaries into build order.
- `builder` builds them. `staleness` compares the ledger with what the last build read (`build_inputs`). `build` runs
  the SELECT (`select`) into a build table (`build_table`), checks it (`verify`), and publishes it in one transaction
  (`swap`). `scheduler` builds several summaries in parallel.
- `testing` runs the test cases of a summary: `cases` reads and runs them, `fixtures` makes their input tables, and
  `result_diff` shows the rows that differ.

The definitions of the files are in `daybook.definitions.summary`. The command `daybook summary` is in `daybook.cli`.
"""
