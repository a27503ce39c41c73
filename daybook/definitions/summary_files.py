"""Summary files: `tables/analytics/nps_summary.sql` and `nps_summary.yaml` describe `analytics.nps_summary`."""

from pathlib import Path

from daybook.definitions.defaults import defaults_of_summary
from daybook.definitions.summary import Summary
from daybook.definitions.table_files import dataset_file_names, file_name, path_of, summary_file_names
from daybook.definitions.targets.project_target import current_target
from daybook.definitions.targets.renaming import in_target
from daybook.errors import TableFileError
from daybook.model.table_name import TableName
from daybook.project import tables_folder
from daybook.suggestions import did_you_mean
from daybook.yaml_model import build, read_layer


def summary_names(folder: Path | None = None) -> list[str]:
    """Return every summary that has a SELECT in `folder`, as `schema.table` of the target, sorted."""
    folder = folder or tables_folder()
    return current_target().tables(summary_file_names(folder), folder)


def read_summary(name: str, folder: Path | None = None) -> Summary:
    """Return the summary `name` (`schema.table`) from its files in `folder`, with the names of the target.

    `name` is the name of the files, or the name in the target's warehouse. The SELECT and the checks read the target's
    schemas, too.

    Raises:
        TableFileError: a file is missing or invalid. The message names the file, the field and the remedy.
    """
    folder = folder or tables_folder()
    target = current_target()
    name = file_name(name, folder, ".sql")
    sql = path_of(name, folder, ".sql")
    if not sql or not sql.is_file():
        names = summary_names(folder)
        stems = {TableName.parse(one).table: one for one in names}
        expected = f"the file {sql}" if sql else "schema.table"
        listed = f"the summaries are {', '.join(names) or 'none'}"
        near = did_you_mean(sql.stem if sql else name, stems, listed, most=3, shown=stems)
        raise TableFileError(f"no summary {name!r}: expected {expected}{near}")
    yaml = sql.with_suffix(".yaml")
    if not yaml.is_file():
        raise TableFileError(f"{sql} has no YAML file: create {yaml} with description, owner and key")
    try:
        text = sql.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableFileError(f"{sql} is not UTF-8 ({error}): save it as UTF-8") from None
    own = read_layer(yaml, Summary, without=["name", "sql"])
    summary = build([*defaults_of_summary(folder), own], Summary, name=name, sql=text)
    return in_target(summary, target, lambda: dataset_file_names(folder))
