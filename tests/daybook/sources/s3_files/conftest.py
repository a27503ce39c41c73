"""Files in S3 need a server of their own, so that DuckDB would spare none: they are read into the other two."""

from tests.support.source_warehouse_fixtures import warehouse_ends

__all__ = ["warehouse_ends"]
