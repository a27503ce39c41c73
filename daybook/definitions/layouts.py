"""The fields of table files and summary files that warehouses add: where they keep the rows of a table.

Each has the name of a warehouse's dialect. Other warehouses ignore it, so a file works with all of them.
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from daybook.model.dataset import Dataset
from daybook.warehouses.registry import layout_models

_MODELS = layout_models()
#: The names of the fields.
LAYOUT_FIELDS = frozenset(_MODELS)


class _WithLayouts(Dataset):
    @property
    def layouts(self) -> dict[str, Any]:
        """Return the layouts that the file declares, by the dialect of their warehouse."""
        found = {name: getattr(self, name) for name in _MODELS}
        return {name: layout for name, layout in found.items() if layout is not None}


if TYPE_CHECKING:
    LayoutFields = _WithLayouts
else:
    LayoutFields = create_model(
        "LayoutFields",
        __base__=_WithLayouts,
        **{
            name: (model | None, Field(None, description=(model.__doc__ or "").strip()))
            for name, model in _MODELS.items()
        },
    )
