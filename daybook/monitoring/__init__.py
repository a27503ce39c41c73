"""Freshness, incidents and key metrics, computed from the ledger. Starts no runs and sends no messages."""
