"""Tools beside Daybook: dbt projects and Google Sheets.

Imports `model`, `sql`, `warehouses`, `sources`, `definitions`, `ledger`.
"""
