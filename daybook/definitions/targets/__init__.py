"""Targets: the environments of a project. `settings` are their fields, `target` is the current one."""
