"""One file for many tables: `tables/shop.yaml`, and the list of the tables found, `tables/shop.tables.yaml`."""
