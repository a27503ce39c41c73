"""Daybook fills a warehouse day by day, and keeps a ledger of what it loaded.

Only `daybook.orchestration` and the flows import Prefect. Everything else can be called from a notebook without it.
"""

from pathlib import Path

__version__ = "0.1.0"

# The wheel contains flows/ and blocks/ as daybook.flows and daybook.blocks. In a checkout they lie beside this folder.
_HERE = Path(__file__).parent
if not (_HERE / "flows").is_dir():
    __path__.append(str(_HERE.parent))
