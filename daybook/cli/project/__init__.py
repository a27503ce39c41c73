"""The subcommands about a project as a whole: make one, check it, deploy it, upgrade it."""
