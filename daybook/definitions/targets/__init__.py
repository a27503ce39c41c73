"""Targets: the environments of a project. `target_settings` has their fields."""
