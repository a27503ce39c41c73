"""Check that COPY reads a source's own files as Daybook reads them."""

from daybook.definitions.table import Table
from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import Workbench

_FILES = {
    "csv": 'id,day,note,share\n1,2024-02-29,"a, ""b""\nc ",0.1\n2,,,1e308\n3,0001-01-01,NULL,-0\n4,9999-12-31,é😀,\n',
    "jsonl": '{"id": 1, "day": "2024-02-29", "note": "a \\"b\\"\\n", "share": 0.1}\n{"id": 2, "note": "😀"}\n',
}
_COLUMNS = {"id": "bigint", "day": "date", "note": "varchar(40)", "share": "double"}


@check(
    "files: in place",
    page="dg/copy-parameters-data-format.html",
    expects="COPY reads CSV and JSON lines in the bucket itself, and the rows are those that Daybook stages from the "
    "same files",
)
def in_place(bench: Workbench) -> str:
    """Load each file twice: read by Redshift, and read by Daybook."""
    for format, text in _FILES.items():
        key = f"files/{format}/rows"
        bench.stage.put(key, text.encode())
        folder = bench.stage.uri(key).rpartition("/")[0] + "/"
        mark = bench.recorder.mark
        bench.load(_table(f"{format}_read", bench, folder, format, in_place=True))
        if not any(one.sql.startswith("COPY") and "daybook_landed" in one.sql for one in bench.recorder.since(mark)):
            raise NotChecked(f"{format}: Redshift reads no files in place with access keys: pass a role")
        bench.load(_table(f"{format}_staged", bench, folder, format, in_place=False))
        read, staged = (
            bench.run(f'SELECT id, day, note, share::varchar FROM "{{s}}"."{format}_{how}" ORDER BY id')
            for how in ("read", "staged")
        )
        if read != staged:
            raise Unexpected(f"{format}: {read} by COPY, {staged} by Daybook")
    return f"{' and '.join(_FILES)} give the same rows both ways"


def _table(name: str, bench: Workbench, folder: str, format: str, *, in_place: bool) -> Table:
    source = {"kind": "s3", "path": folder, "format": format, "in_place": in_place}
    return bench.table(name, WHOLE_TABLE.name, source=source, columns=_COLUMNS, on_new_column="ignore")
