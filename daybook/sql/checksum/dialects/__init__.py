"""SQL for the numbers that a checksum adds up, which several databases share; each writes values as all others do.

`postgresql` is a `daybook.sql.checksum.side.Hashing` for PostgreSQL, which is a source and a warehouse. A database that
is only one of the two keeps its own in its folder. That of a source also has `sent`: the SQL of a column's value as the
loader sends it, which is the `value` of a field there. In a warehouse, `value` is the column's quoted name.
"""
