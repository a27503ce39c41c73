"""`daybook schemas`: write the JSON Schemas of table files and summary files, which editors read."""

import argparse
from collections.abc import Sequence

from daybook.project import project_root
from daybook.scaffold.new_project import write_file
from daybook.scaffold.schema_files import schema_files


def main(arguments: Sequence[str] | None = None, prog: str = "daybook schemas") -> None:
    """Write `schema.json` and `summary.schema.json` into the project's `tables/`."""
    description = "Write schema.json and summary.schema.json into tables/. Editors use them to check the files there."
    argparse.ArgumentParser(prog=prog, description=description).parse_args(arguments)
    for name, text in schema_files().items():
        print(f"wrote {write_file(project_root(), name, text)}")
