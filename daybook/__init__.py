"""Daybook loads tables into a warehouse by intervals, and records every load in a ledger.

Only `daybook.orchestration` and the flows import Prefect. You can use everything else in a notebook without it.
"""

from pathlib import Path

__version__ = "0.2.0"
#: The name of the package for pip and uv. On PyPI, `daybook` is another program.
DISTRIBUTION = "prefect-daybook"

# A wheel contains flows/ and blocks/ as daybook.flows and daybook.blocks. A checkout has them next to this folder.
_HERE = Path(__file__).parent
if not (_HERE / "flows").is_dir():
    __path__.append(str(_HERE.parent))
