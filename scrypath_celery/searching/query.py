"""The body of a search, in the engine's language, from what a schema declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..declaration.json_values import json_value
from ..declaration.mapping import nearest
from ..declaration.schema import Schema
from ..declaration.settings import attributes
from ..errors import ProjectionError, QueryError

Filter = str | Mapping[str, Any]
"""The engine's filter language as it is, or fields and what they must be: a value, a list of values (any of
them), or None (null)."""

Sort = str | Sequence[str]
"""Fields: `"title"` or `"title:asc"` ascending, `"-title"` or `"title:desc"` descending; in order of weight."""

MAX_PER_PAGE = 1_000
"""The most records of one page: an index answers with at most this many by default (`pagination.maxTotalHits`)."""

_GEO_POINT = re.compile(r"_geoPoint\(\s*-?[\d.]+\s*,\s*-?[\d.]+\s*\)")


def body(
    schema: Schema,
    q: str,
    *,
    filter: Filter | None = None,
    sort: Sort | None = None,
    page: int = 1,
    per_page: int = 20,
) -> dict[str, Any]:
    """The engine's search for one page of ids, counted exactly.

    Raises:
        QueryError: a field is not declared as filterable or sortable, a value is none, or there is no such page.
    """
    if not isinstance(q, str):
        raise QueryError(f"{schema.name}: the query must be a string, not {type(q).__name__}")
    if page < 1 or not 1 <= per_page <= MAX_PER_PAGE:
        raise QueryError(f"{schema.name}: page starts at 1, and per_page is 1 to {MAX_PER_PAGE}")
    found: dict[str, Any] = {"q": q, "page": page, "hitsPerPage": per_page, "attributesToRetrieve": [schema.key]}
    expression = filtered(schema, filter)
    if expression:
        found["filter"] = expression
    order = sorted_by(schema, sort)
    if order:
        found["sort"] = order
    return found


def filtered(schema: Schema, filter: Filter | None) -> str:
    """The filter as the engine reads it; empty where there is none."""
    if filter is None or isinstance(filter, str):
        return filter or ""
    return " AND ".join(_condition(schema, name, value) for name, value in filter.items())


def sorted_by(schema: Schema, sort: Sort | None) -> list[str]:
    """The order as the engine reads it; empty where relevance alone counts."""
    wanted = [sort] if isinstance(sort, str) else list(sort or ())
    return [_order(schema, item) for item in wanted]


def _condition(schema: Schema, name: str, value: Any) -> str:
    known = attributes(schema.declared_settings().get("filterableAttributes", ()))
    if not any(fnmatchcase(name, pattern) or name.startswith(f"{pattern}.") for pattern in known):
        raise QueryError(f"{schema.name} does not declare {name!r} as filterable{nearest(name, known)}")
    field = _quoted(name)
    if value is None:
        return f"{field} IS NULL"
    if isinstance(value, list | tuple | set | frozenset):
        return f"{field} IN [{', '.join(_literals(schema, name, value))}]"
    return f"{field} = {next(iter(_literals(schema, name, (value,))))}"


def _literals(schema: Schema, name: str, values: Iterable[Any]) -> list[str]:
    try:
        return [_literal(schema, name, json_value(value)) for value in values]
    except ProjectionError as exc:
        raise QueryError(f"{schema.name}: the filter on {name!r} {exc}") from exc


def _literal(schema: Schema, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f'"{value!r}"' if "e" in repr(value) else repr(value)
    if isinstance(value, str):
        return _quoted(value)
    raise QueryError(
        f"{schema.name}: the filter on {name!r} takes values and lists of values, not {type(value).__name__}"
    )


def _quoted(text: str) -> str:
    """A text between quotes, so that nothing in it can end them."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _order(schema: Schema, item: str) -> str:
    name, direction = item, "asc"
    if item.startswith("-"):
        name, direction = item[1:], "desc"
    elif item.endswith((":asc", ":desc")):
        name, _, direction = item.rpartition(":")
    known = "_geo" if _GEO_POINT.fullmatch(name) else name
    if known not in schema.sortable:
        raise QueryError(f"{schema.name} does not declare {known!r} as sortable{nearest(known, schema.sortable)}")
    return f"{name}:{direction}"
