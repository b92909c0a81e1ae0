"""The bodies of a search, in the engine's language, from what a schema declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy.orm.interfaces import ORMOption

from ...declaration.mapping import nearest
from ...declaration.schema import Schema
from ...errors import QueryError
from .facets import Faceting, faceting
from .filters import Scope, where
from .options import SearchOptions
from .per_query import native
from .sorting import sorted_by

MAX_PER_PAGE = 1_000
"""The most records of one page: an index answers with at most this many by default (`pagination.maxTotalHits`)."""

DEFAULT_PER_PAGE = 20


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search, ready to be sent.

    `body` finds the hits. `counts` are further searches, each with the one facet that it counts: a facet among whose
    values something was chosen is counted as if nothing were.
    """

    schema: Schema
    body: Mapping[str, Any]
    counts: Sequence[tuple[str, Mapping[str, Any]]]
    scope: Scope
    offset: int
    per_page: int
    options: Sequence[ORMOption]
    empty_if_missing: bool

    @property
    def cap(self) -> int:
        """How many hits the engine counts at most."""
        declared = (self.schema.settings.get("pagination") or {}).get("maxTotalHits")
        return declared if isinstance(declared, int) else MAX_PER_PAGE


def query(schema: Schema, q: str, **wanted: Unpack[SearchOptions]) -> Query:
    """A search in the engine's language.

    Raises:
        QueryError: it asks for what is not declared, a value is none, or there is no such page. TenantRequired: it
            does not say whose documents it means.
    """
    _check_names(schema, wanted)
    if not isinstance(q, str):
        raise QueryError(f"{schema.name}: the query must be a string, not {type(q).__name__}")
    scope = Scope(tenant=wanted.get("tenant"), across_tenants=wanted.get("across_tenants", False))
    counted = faceting(schema, wanted.get("facets"), wanted.get("facet_filter"))
    paging, offset, per_page = _paging(schema, wanted)
    body: dict[str, Any] = {"q": q, **paging, **native(schema, wanted.get("per_query"))}
    if schema.tenant_field is not None:
        _retrieve(body, schema.tenant_field)
    expression = where(schema, wanted.get("filter"), scope, counted.conditions())
    if expression:
        body["filter"] = expression
    order = sorted_by(schema, wanted.get("sort"))
    if order:
        body["sort"] = order
    if any(item.startswith("_geoPoint(") for item in order):
        _retrieve(body, "_geo")  # without it the engine tells no distances
    counts = _counts(schema, q, wanted, scope, counted) if counted.names else []
    if counted.names:
        body["facets"] = list(counted.names)
    return Query(
        schema=schema,
        body=body,
        counts=counts,
        scope=scope,
        offset=offset,
        per_page=per_page,
        options=tuple(wanted.get("options", ())),
        empty_if_missing=_on_missing(schema, wanted.get("on_missing", "raise")),
    )


def _retrieve(body: dict[str, Any], name: str) -> None:
    retrieved = body["attributesToRetrieve"]
    if name not in retrieved and "*" not in retrieved:
        body["attributesToRetrieve"] = [*retrieved, name]


def _counts(
    schema: Schema, q: str, wanted: SearchOptions, scope: Scope, counted: Faceting
) -> list[tuple[str, Mapping[str, Any]]]:
    found: list[tuple[str, Mapping[str, Any]]] = []
    tuned = native(schema, wanted.get("per_query"))
    kept = {key: value for key, value in tuned.items() if key in ("rankingScoreThreshold", "attributesToSearchOn")}
    for name in counted.open():
        body = {"q": q, "limit": 0, "facets": [name], **kept}
        expression = where(schema, wanted.get("filter"), scope, counted.others(name))
        if expression:
            body["filter"] = expression
        found.append((name, body))
    return found


def _paging(schema: Schema, wanted: SearchOptions) -> tuple[dict[str, Any], int, int]:
    """The engine's parameters, how many hits come before the page, and how many it holds."""
    per_page = wanted.get("per_page", DEFAULT_PER_PAGE)
    page, offset = wanted.get("page"), wanted.get("offset")
    if not _is_count(per_page) or not 1 <= per_page <= MAX_PER_PAGE:
        raise QueryError(f"{schema.name}: per_page is a whole number from 1 to {MAX_PER_PAGE}, not {per_page!r}")
    if offset is not None:
        if page is not None:
            raise QueryError(f"{schema.name}: give page= or offset=, not both")
        if not _is_count(offset) or offset < 0:
            raise QueryError(f"{schema.name}: offset is a whole number from 0 on, not {offset!r}")
        return {"offset": offset, "limit": per_page}, offset, per_page
    page = 1 if page is None else page
    if not _is_count(page) or page < 1:
        raise QueryError(f"{schema.name}: page starts at 1, and is a whole number, not {page!r}")
    return {"page": page, "hitsPerPage": per_page}, (page - 1) * per_page, per_page


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value < 2**31


def _on_missing(schema: Schema, value: Any) -> bool:
    if value not in ("raise", "empty"):
        raise QueryError(f"{schema.name}: on_missing= takes 'raise' or 'empty', not {value!r}")
    return bool(value == "empty")


def _check_names(schema: Schema, wanted: Mapping[str, Any]) -> None:
    for name in wanted:
        if name not in _NAMES:
            raise QueryError(f"{schema.name}: a search has no option {name!r}{nearest(name, _NAMES)}")


_NAMES = SearchOptions.__optional_keys__
