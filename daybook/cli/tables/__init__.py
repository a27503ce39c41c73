"""The subcommands about existing tables: list them, reset, rename or remove one, clean the stage, uninstall."""
