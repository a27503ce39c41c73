"""Prefect blocks: their types, how they are saved and how they are opened."""
