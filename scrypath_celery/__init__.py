"""Keep a Meilisearch index in step with SQLAlchemy models, through Celery, without lying about it.

`Scrypath` is where everything begins; what it raises is in `scrypath_celery.errors`.
"""

from __future__ import annotations

from .app import Scrypath
from .capture.result import SyncResult
from .errors import ScrypathError
from .ledger.autogenerate import include_name, ledger_metadata
from .searching.capabilities import Capabilities
from .searching.entries import ALL
from .searching.many import ManyResult, SearchFailure
from .searching.params import SearchParams
from .searching.query.facets import Hierarchy, facet_levels
from .searching.query.filters import Filter
from .searching.query.geo import near
from .searching.query.options import EntryOptions, SearchOptions, SharedOptions
from .searching.query.per_query import Crop, Highlight, PerQuery
from .searching.result import FacetStats, FacetValue, FederatedResult, Hit, SearchResult
from .searching.scoped import ScopedSearch
from .work import Mode, Operation, ReasonClass, State

__all__ = [
    "ALL",
    "Capabilities",
    "Crop",
    "EntryOptions",
    "FacetStats",
    "FacetValue",
    "FederatedResult",
    "Filter",
    "Hierarchy",
    "Highlight",
    "Hit",
    "ManyResult",
    "Mode",
    "Operation",
    "PerQuery",
    "ReasonClass",
    "ScopedSearch",
    "Scrypath",
    "ScrypathError",
    "SearchFailure",
    "SearchOptions",
    "SearchParams",
    "SearchResult",
    "SharedOptions",
    "State",
    "SyncResult",
    "facet_levels",
    "include_name",
    "ledger_metadata",
    "near",
]
