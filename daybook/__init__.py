"""Daybook: a warehouse filled day by day, and the book on it.

Plain functions and small dataclasses over databases, stages and warehouses. Nothing in this package imports Prefect:
everything here can be called from a notebook.
"""
