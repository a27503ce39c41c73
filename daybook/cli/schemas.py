"""`daybook schemas`: write the JSON Schemas of the project's files, which editors read."""

import argparse
from collections.abc import Sequence

from daybook.project import project_root
from daybook.scaffold.new_project import write_file
from daybook.scaffold.schema_files import schema_files


def main(arguments: Sequence[str] | None = None, prog: str = "daybook schemas") -> None:
    """Write the schemas into the project's `tables/`."""
    description = (
        "Write the JSON Schemas into tables/: schema.json for table files, summary.schema.json, group.schema.json, and "
        "project.schema.json for daybook.yaml. Editors use them to check and complete these files."
    )
    argparse.ArgumentParser(prog=prog, description=description).parse_args(arguments)
    for name, text in schema_files().items():
        print(f"wrote {write_file(project_root(), name, text)}")
