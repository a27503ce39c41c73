"""Test cases of a summary: a few given rows, and the rows that its SELECT must return for them.

`tests/tables/analytics/nps_summary/<name>.yaml` is a case of `analytics.nps_summary`. It runs on any warehouse, even in
production: temporary tables replace the inputs, in a transaction that is rolled back. The rest of the SELECT's text is
the same as in production.
"""

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from daybook.definitions.targets.project_target import either_name, file_stem
from daybook.errors import TableFileError
from daybook.model.dataset import TypeName
from daybook.model.types import Type, parse_type
from daybook.project import project_root
from daybook.sql.database_error import DatabaseError
from daybook.suggestions import did_you_mean
from daybook.summaries.builder.select import FIRST, LAST, SummaryQuery
from daybook.summaries.parse.lineage import Lineage
from daybook.summaries.testing.fixtures import Types, column_types, make_table
from daybook.summaries.testing.result_diff import differences
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session
from daybook.yaml_model import Strict, read_yaml

Rows = tuple[dict[str, Any], ...]


class Case(Strict):
    """A test case of a summary: the given rows of its inputs, and the expected rows of the summary."""

    name: str = Field(exclude=True, description="The path of the file, relative to the folder of cases.")
    description: str = Field(description="The mistake that the case would catch.")
    given: dict[str, Rows] = Field(
        description="The rows of each input, by schema.table. A row is column: value. Columns that a row does not name "
        "are NULL. [] means no rows."
    )
    expect: Rows = Field(
        description="The expected rows of the summary. Each row is compared only in the columns that it names."
    )
    ordered: bool = Field(False, description="If true, the rows must come in this order.")
    columns: dict[str, dict[str, TypeName]] = Field(
        {},
        description="Types of input columns, as schema.table: {column: type}. Needed only if the table's file and the "
        "warehouse do not have the right type.",
    )
    start: datetime | date | None = Field(
        None, description="The value of {start}. Default: earlier than any date in the data."
    )
    end: datetime | date | None = Field(
        None, description="The value of {end}. Default: later than any date in the data."
    )

    @field_validator("given", "expect")
    @classmethod
    def _are_plain(cls, rows: dict[str, Rows] | Rows) -> dict[str, Rows] | Rows:
        for row in rows if isinstance(rows, tuple) else [row for table in rows.values() for row in table]:
            for name, value in row.items():
                if isinstance(value, dict | list):
                    raise ValueError(f"{name}: {value!r:.60} is not a single value: write it in quotes, as text")
        return rows

    @model_validator(mode="after")
    def _types_are_of_given_tables(self) -> "Case":
        for table in self.columns:
            if table not in self.given:
                raise ValueError(f"columns: {table} is not under given:, which has {', '.join(self.given)}")
        return self

    def declared_types(self, table: str) -> dict[str, Type]:
        """Return the column types that the case declares for a given table, by column."""
        return {name: parse_type(text) for name, text in self.columns.get(table, {}).items()}


def cases_folder() -> Path:
    """Return the folder of the project's cases."""
    return project_root() / "tests" / "tables"


def case_files(name: str, folder: Path | None = None) -> list[Path]:
    """Return the files of the test cases of the summary `name` (`schema.table`), sorted.

    They are in `folder`, by default in the project's folder of cases.
    """
    return sorted((folder or cases_folder()).joinpath(file_stem(name)).glob("*.yaml"))


def read_case(path: Path) -> Case:
    """Return the case in the file at `path`.

    Raises:
        TableFileError: the file is wrong. Names the file, the field and what to do.
    """
    return read_yaml(path, Case, exact=True, name="/".join(path.parts[-3:]))


def run_case(
    warehouse: Warehouse, session: Session, lineage: Lineage, case: Case, types: Mapping[str, Types]
) -> str | None:
    """Run a summary on the rows of a case. Return the differences as text, or None if the rows are as expected.

    Args:
        warehouse: the warehouse to run on.
        session: a session without an open transaction.
        lineage: the summary.
        case: the given and the expected rows.
        types: the columns of the tables whose files declare them (`fixtures.declared_types`).

    Raises:
        TableFileError: an input is missing from the case, a column is unknown, or the warehouse refuses a row.
        BuildFailed: the warehouse refuses the SELECT.
    """
    case = _in_target(case)
    _check_given(lineage, case)
    with session.undone_on_error():
        session.run("BEGIN")
        tables = _make_tables(warehouse, session, case, types)
        columns, found = _result(warehouse, session, lineage, case, tables)
        session.run("ROLLBACK")
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    return differences(case.expect, rows, case.ordered)


def _in_target(case: Case) -> Case:
    """Return the case with the names of its tables in the current target."""
    given = {either_name(table): rows for table, rows in case.given.items()}
    return case.model_copy(
        update={"given": given, "columns": {either_name(one): it for one, it in case.columns.items()}}
    )


def _check_given(lineage: Lineage, case: Case) -> None:
    for name in lineage.inputs:
        if name not in case.given:
            raise TableFileError(
                f"{case.name}: given: {name} is missing, but {lineage.summary.name} reads it: give rows, or [] for none"
            )
    for name in case.given:
        if name not in lineage.inputs:
            near = did_you_mean(name, lineage.inputs, f"it reads {', '.join(lineage.inputs) or 'no table'}")
            raise TableFileError(f"{case.name}: given: {lineage.summary.name} does not read {name}{near}")


def _make_tables(warehouse: Warehouse, session: Session, case: Case, types: Mapping[str, Types]) -> dict[str, str]:
    """Create a temporary table for each given one. Return their quoted names, by the table that they replace."""
    mark, tables = secrets.token_hex(4), dict[str, str]()
    for number, (table, rows) in enumerate(case.given.items(), 1):
        name = f"case_{mark}_{number}"
        found = types.get(table) or {
            column.name: column.type for column in warehouse.existing_columns(session, table).values()
        }
        try:
            make_table(session, warehouse, name, rows, column_types(table, rows, found, case.declared_types(table)))
        except TableFileError as error:
            raise TableFileError(f"{case.name}: {error}") from None
        except DatabaseError as error:
            raise TableFileError(
                f"{case.name}: given: the warehouse refuses a row of {table}: {' '.join(str(error).split())}. Correct "
                "the value, or give its column another type under columns:"
            ) from None
        tables[table] = warehouse.quote(name)
    return tables


def _result(
    warehouse: Warehouse, session: Session, lineage: Lineage, case: Case, tables: Mapping[str, str]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns to compare and their rows, from a table that is created in the same way as in a build."""
    text = lineage.statement_of(tables)
    select = SummaryQuery(lineage.summary, text, warehouse, session)
    wanted = list(dict.fromkeys(name for row in case.expect for name in row)) or select.names
    for name in wanted:
        if name not in select.names:
            near = did_you_mean(name, select.names, f"it returns {', '.join(select.names)}")
            raise TableFileError(f"{case.name}: expect: {lineage.summary.name} returns no column {name!r}{near}")
    made = warehouse.quote(f"case_{secrets.token_hex(4)}")
    select.make(f"TEMP TABLE {made}", made, select.between(_moment(case.start, FIRST), _moment(case.end, LAST)))
    return wanted, session.rows(f"SELECT {', '.join(map(warehouse.quote, wanted))} FROM {made}")


def _moment(value: date | datetime | None, default: datetime) -> datetime:
    if value is None:
        return default
    return value if isinstance(value, datetime) else datetime.combine(value, time())
