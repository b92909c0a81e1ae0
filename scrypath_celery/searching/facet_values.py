"""Searching among the values of one facet."""

from __future__ import annotations

from typing import Any, TypedDict

from ..errors import EngineError, QueryError
from ..runtime import Runtime
from .answer import UNREADABLE, unintelligible
from .failure import explained, is_missing
from .measured import measured
from .query.facets import FacetFilter, faceting
from .query.fields import require_filterable
from .query.filters import Filter, Scope, where
from .query.options import OnMissing
from .result import FacetValue


class FacetOptions(TypedDict, total=False):
    """What a search among facet values may say: `q`, `filter` and `facet_filter` of the search it stands beside."""

    q: str
    filter: Filter | None
    facet_filter: FacetFilter | None
    tenant: Any
    across_tenants: bool
    on_missing: OnMissing


@measured("facet_values")
def facet_values(
    runtime: Runtime,
    model: Any,
    facet: str,
    prefix: str = "",
    *,
    q: str = "",
    filter: Filter | None = None,
    facet_filter: FacetFilter | None = None,
    tenant: Any = None,
    across_tenants: bool = False,
    on_missing: OnMissing = "raise",
) -> tuple[FacetValue, ...]:
    """Find the values of a facet that begin with (or resemble) `prefix`, with their counts.

    The engine gives at most as many as the setting `faceting.maxValuesPerFacet` says (100). What was chosen of this
    facet itself is left out, so that other values stay to be found.

    Raises:
        QueryError: the field is not filterable. TenantRequired: it does not say whose documents it means.
        IndexMissing, EngineUnreachable, EngineError: as for a search.
    """
    schema = runtime.schemas.searched(model)
    for name, given in (("facet", facet), ("prefix", prefix), ("q", q)):
        if not isinstance(given, str):
            raise QueryError(f"{schema.name}: {name} must be a string, not {type(given).__name__}")
    require_filterable(schema, facet)
    scope = Scope(tenant=tenant, across_tenants=across_tenants)
    chosen = faceting(schema, [facet], facet_filter)
    body: dict[str, Any] = {"facetName": facet, "facetQuery": prefix}
    if q:
        body["q"] = q
    expression = where(schema, filter, scope, chosen.others(facet))
    if expression:
        body["filter"] = expression
    try:
        answer = runtime.engine.facet_search(runtime.uid_of(schema), body)
    except EngineError as exc:
        if is_missing(exc) and on_missing == "empty":
            return ()
        raise explained(runtime, schema, exc) from exc
    try:
        return tuple(FacetValue(value=str(hit["value"]), count=int(hit["count"])) for hit in answer["facetHits"])
    except UNREADABLE as exc:
        raise unintelligible(schema.uid) from exc
