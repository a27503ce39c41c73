"""Exports to Google Sheets."""
