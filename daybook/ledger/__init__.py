"""The ledger and Daybook's other tables in the warehouse. Imports `model`, `sql` and `warehouses`."""
