"""Test cases of a summary: a handful of rows that are given, and the rows that its SELECT must make of them.

`tests/tables/analytics/nps_summary/<what it shows>.yaml` is a case of `analytics.nps_summary`. It runs on any
warehouse, also on the company's own: temporary tables take the place of those that the SELECT names, in a transaction
that is rolled back, and everything else of its text is what runs in production.
"""

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from daybook.errors import TableFileError
from daybook.model.dataset import TypeName
from daybook.model.table_name import TableName
from daybook.model.types import Type, parse_type
from daybook.model.yaml_model import Strict, read_yaml
from daybook.project import project_root
from daybook.sql.database_error import DatabaseError
from daybook.suggestions import did_you_mean
from daybook.summaries.builder.select import FIRST, LAST, SummaryQuery
from daybook.summaries.parse.lineage import Lineage
from daybook.summaries.testing.fixtures import Types, column_types, make_table
from daybook.summaries.testing.result_diff import differences
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

Rows = tuple[dict[str, Any], ...]


class Case(Strict):
    """Rows that are given, and the rows that are expected of them."""

    name: str = Field(exclude=True, description="The file, below the folder of all cases.")
    description: str = Field(description="What the case shows: the mistake that it would catch.")
    given: dict[str, Rows] = Field(
        description="schema.table: its rows, each as column: value. What a row does not name is NULL; [] is no row."
    )
    expect: Rows = Field(description="The rows of the summary; each is compared in the columns that it names.")
    ordered: bool = Field(False, description="Whether the rows must come in this order.")
    columns: dict[str, dict[str, TypeName]] = Field(
        {}, description="schema.table: column: type, where neither its file nor the warehouse tells the right one."
    )
    start: datetime | date | None = Field(None, description="What stands for {start}. Left out: before everything.")
    end: datetime | date | None = Field(None, description="What stands for {end}. Left out: after everything.")

    @field_validator("given", "expect")
    @classmethod
    def _are_plain(cls, rows: dict[str, Rows] | Rows) -> dict[str, Rows] | Rows:
        for row in rows if isinstance(rows, tuple) else [row for table in rows.values() for row in table]:
            for name, value in row.items():
                if isinstance(value, dict | list):
                    raise ValueError(f"{name}: {value!r:.60} is no value of a column; write it in quotes, as text")
        return rows

    @model_validator(mode="after")
    def _types_are_of_given_tables(self) -> "Case":
        for table in self.columns:
            if table not in self.given:
                raise ValueError(f"columns: {table} is not given; there are {', '.join(self.given)}")
        return self

    def declared_types(self, table: str) -> dict[str, Type]:
        """Column: type, of the columns of a given table whose type the case declares."""
        return {name: parse_type(text) for name, text in self.columns.get(table, {}).items()}


def cases_folder() -> Path:
    """Return the folder of the project's cases."""
    return project_root() / "tests" / "tables"


def case_files(name: str, folder: Path | None = None) -> list[Path]:
    """Return the files of the test cases of the summary `name` (`schema.table`), sorted.

    They are in `folder`, by default in the project's folder of cases.
    """
    return sorted(TableName.parse(name).path(folder or cases_folder()).glob("*.yaml"))


def read_case(path: Path) -> Case:
    """The case in the file at `path`.

    Raises:
        TableFileError: it is wrong; names the file, the field and what to do.
    """
    return read_yaml(path, Case, exact=True, name="/".join(path.parts[-3:]))


def run_case(
    warehouse: Warehouse, session: Session, lineage: Lineage, case: Case, types: Mapping[str, Types]
) -> str | None:
    """Run a summary on the rows of a case. Returns what is wrong with its rows, as a text; None where nothing is.

    `types` are the columns of the tables whose files declare them (`fixtures.declared_types`). No
    transaction may be open.

    Raises:
        TableFileError: an input is not given, a column is not known, or the warehouse refuses a row.
        BuildFailed: the warehouse refuses the SELECT.
    """
    _check_given(lineage, case)
    with session.undone_on_error():
        session.run("BEGIN")
        tables = _make_tables(warehouse, session, case, types)
        columns, found = _result(warehouse, session, lineage, case, tables)
        session.run("ROLLBACK")
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    told = differences(case.expect, rows, case.ordered)
    return told


def _check_given(lineage: Lineage, case: Case) -> None:
    for name in lineage.inputs:
        if name not in case.given:
            raise TableFileError(
                f"{case.name}: given: {name} is missing, which {lineage.summary.name} reads: give rows, or [] for none"
            )
    for name in case.given:
        if name not in lineage.inputs:
            near = did_you_mean(name, lineage.inputs, f"it reads {', '.join(lineage.inputs) or 'no table'}")
            raise TableFileError(f"{case.name}: given: {lineage.summary.name} does not read {name}{near}")


def _make_tables(warehouse: Warehouse, session: Session, case: Case, types: Mapping[str, Types]) -> dict[str, str]:
    """Make a temporary table of each given one. Returns what they are called, quoted, by the table they stand for."""
    mark, tables = secrets.token_hex(4), dict[str, str]()
    for number, (table, rows) in enumerate(case.given.items(), 1):
        name = f"case_{mark}_{number}"
        known = types.get(table) or {
            column.name: column.type for column in warehouse.existing_columns(session, table).values()
        }
        try:
            make_table(session, warehouse, name, rows, column_types(table, rows, known, case.declared_types(table)))
        except TableFileError as error:
            raise TableFileError(f"{case.name}: {error}") from None
        except DatabaseError as error:
            raise TableFileError(
                f"{case.name}: given: the warehouse refuses a row of {table}: {' '.join(str(error).split())}. Mend the "
                "value, or give its column another type under columns:"
            ) from None
        tables[table] = warehouse.quote(name)
    return tables


def _result(
    warehouse: Warehouse, session: Session, lineage: Lineage, case: Case, tables: Mapping[str, str]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns that are to be compared, and their rows, from a table that is made as the build makes it."""
    text = lineage.statement_of(tables)
    select = SummaryQuery(lineage.summary, text, warehouse, session)
    wanted = list(dict.fromkeys(name for row in case.expect for name in row)) or select.names
    for name in wanted:
        if name not in select.names:
            near = did_you_mean(name, select.names, f"it gives {', '.join(select.names)}")
            raise TableFileError(f"{case.name}: expect: {lineage.summary.name} gives no column {name!r}{near}")
    made = warehouse.quote(f"case_{secrets.token_hex(4)}")
    select.make(f"TEMP TABLE {made}", made, select.between(_moment(case.start, FIRST), _moment(case.end, LAST)))
    return wanted, session.rows(f"SELECT {', '.join(map(warehouse.quote, wanted))} FROM {made}")


def _moment(value: date | datetime | None, default: datetime) -> datetime:
    if value is None:
        return default
    return value if isinstance(value, datetime) else datetime.combine(value, time())
