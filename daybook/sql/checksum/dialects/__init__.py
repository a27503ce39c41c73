"""The SQL of row hashes that several databases share. All databases write a value as the same text.

`postgresql` is a `daybook.sql.checksum.side.Hashing` for PostgreSQL, which is a source and a warehouse. A database that
is only one of the two has its SQL in its own folder. In a source, the `value` of a field is the SQL that its function
`sent` returns: the column's value as a load sends it. In a warehouse, it is the column's quoted name.
"""
