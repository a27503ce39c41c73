"""`daybook schemas`: write the JSON Schemas of table files and summary files, which editors read."""

import argparse
import json
from collections.abc import Sequence

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema
from daybook.project import tables_folder


def main(arguments: Sequence[str] | None = None, prog: str = "daybook schemas") -> None:
    """Write `schema.json` and `summary.schema.json` into the project's `tables/`."""
    description = "Write schema.json and summary.schema.json into tables/. Editors use them to check the files there."
    argparse.ArgumentParser(prog=prog, description=description).parse_args(arguments)
    for model, name in ((Table, "schema.json"), (Summary, "summary.schema.json")):
        path = tables_folder() / name
        text = json.dumps(json_schema(model, name), indent=2, ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        print(f"wrote {path}")
