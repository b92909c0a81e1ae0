"""The order of hits beside their relevance."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...declaration.mapping import nearest
from ...declaration.schema import Schema
from ...errors import QueryError

Sort = str | Sequence[str]
"""Fields: `"title"` or `"title:asc"` ascending, `"-title"` or `"title:desc"` descending; in order of weight."""

_GEO_POINT = re.compile(r"_geoPoint\(\s*-?[\d.]+\s*,\s*-?[\d.]+\s*\)")


def sorted_by(schema: Schema, sort: Sort | None) -> list[str]:
    """The order as the engine reads it; empty where relevance alone counts.

    Where the document id is declared sortable it comes last, so that pages stay apart however many values are equal.

    Raises:
        QueryError: a field is not declared sortable.
    """
    if sort is not None and not isinstance(sort, str | list | tuple):
        raise QueryError(f"{schema.name}: sort= takes a field or a list of fields, not {type(sort).__name__}")
    wanted = [sort] if isinstance(sort, str) else list(sort or ())
    found = [_order(schema, item) for item in wanted]
    if found and schema.key in schema.sortable and not any(item.startswith(f"{schema.key}:") for item in found):
        found.append(f"{schema.key}:asc")
    return found


def _order(schema: Schema, item: str) -> str:
    if not isinstance(item, str):
        raise QueryError(f"{schema.name}: sort= takes names of fields, not {type(item).__name__}")
    name, direction = item, "asc"
    if item.startswith("-"):
        name, direction = item[1:], "desc"
    elif item.endswith((":asc", ":desc")):
        name, _, direction = item.rpartition(":")
    known = "_geo" if _GEO_POINT.fullmatch(name) else name
    if known not in schema.sortable:
        near = nearest(known, schema.sortable)
        raise QueryError(
            f"{schema.name} does not declare {known!r} as sortable{near}: add it to sortable= and apply the settings"
        )
    return f"{name}:{direction}"
