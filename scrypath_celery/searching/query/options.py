"""What a search may say beside its query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from sqlalchemy.orm.interfaces import ORMOption

from .facets import FacetFilter, Facets
from .filters import Filter
from .per_query import PerQuery
from .sorting import Sort

OnMissing = Literal["raise", "empty"]
"""What to do where there is no index yet: raise IndexMissing, or find nothing."""


class TenantOptions(TypedDict, total=False):
    """Whose documents are meant, where the schema has a tenant field: those of `tenant`, or all."""

    tenant: Any
    across_tenants: bool


class RequestOptions(TypedDict, total=False):
    """What the request of a client says: which documents, in which order, and which page of them."""

    filter: Filter | None
    sort: Sort | None
    page: int | None
    per_page: int
    facet_filter: FacetFilter | None


class SearchOptions(TenantOptions, RequestOptions, total=False):
    """What a search may say beside its query.

    `filter` says which documents are searched, `facet_filter` which values of facets were chosen; both must hold.
    `sort` is the order, `facets` are the fields to count by. `page` starts at 1; `offset` skips hits instead, and
    counts are then estimates. `per_page` is the most hits (20). `per_query` tunes this one search, `options` are
    loader options for the records, `on_missing="empty"` finds nothing where there is no index yet.
    """

    offset: int | None
    facets: Facets | None
    per_query: PerQuery | None
    options: Sequence[ORMOption]
    on_missing: OnMissing


class EntryOptions(SearchOptions, total=False):
    """What one of several searches may say: as a search alone, and in a merged list its `federation_weight` (1.0)."""

    federation_weight: float


class SharedOptions(SearchOptions, total=False):
    """What holds for each of several searches that does not say otherwise, and for all of them together.

    `global_schemas` are the classes that `ALL` stands for. More searches than `max_schemas` (10) are refused.
    `federation_limit` (20) and `federation_offset` (0) pick the hits of a merged list. `federation_timeout` bounds the
    engine's answer, `hydration_timeout` the reading of records (looked at between two classes); both in seconds.
    """

    global_schemas: Sequence[Any]
    max_schemas: int
    federation_limit: int
    federation_offset: int
    federation_timeout: float
    hydration_timeout: float
