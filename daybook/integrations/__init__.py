"""Integrations with other tools: dbt projects and Google Sheets.

Imports `model`, `sql`, `warehouses`, `sources`, `definitions`, `ledger`.
"""
