"""`where:` and `query:` of a database source: what they may say, and the FROM item of every statement on the source.

- `fragment_parser` reads a condition or a SELECT of a table file, and refuses what is none.
- `relation` has the one FROM item that extraction, counts, audits and warnings use.
- `mysql_metadata`, `postgresql_metadata` find the columns of a query without reading its rows.
"""
