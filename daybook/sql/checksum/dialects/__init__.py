"""SQL for the numbers that a checksum adds up: a module an engine, each of which spells values as all the others do.

Each module has `row_hash` and `key_hash`, the 60-bit number of a row and of its key, `spelled`, the text of one field,
`SESSION`, the statements that its connection needs beforehand, and `FENCE`, what ends a query whose result is grouped
by. mysql.py and postgresql.py also have `sent`, the value of a source's column as the loader sends it: what `value`
returns there. In a warehouse it is the column's quoted name.

A `%` in the SQL is doubled, because values are bound around it. The number is NULL where the server could not build the
row's text (MySQL's max_allowed_packet): so count(number) must be count(*).
"""
