"""The files of a new project, and how a release updates them. `templates/` has them as plain files."""
