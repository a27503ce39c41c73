"""The errors about the version of the schema `daybook`."""

from daybook.errors import WarehouseError


class SchemaOutdated(WarehouseError):
    """The schema `daybook` of the warehouse is too old for this release. `daybook upgrade` upgrades it."""


class WorkerOutdated(WarehouseError):
    """A newer release has upgraded the schema `daybook` of the warehouse. This worker needs that release, too."""
