"""Keep a Meilisearch index in step with SQLAlchemy models, through Celery, without lying about it.

`Scrypath` is where everything begins; what it raises is in `scrypath_celery.errors`. The names below are imported at
their first use, so that what needs little of the package (a command's `--help`) loads little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Scrypath
    from .capture.result import SyncResult
    from .declaration.fan_out import FanOut
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
    "FanOut",
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

_HOMES = {
    "ALL": "searching.entries",
    "Capabilities": "searching.capabilities",
    "Crop": "searching.query.per_query",
    "EntryOptions": "searching.query.options",
    "FacetStats": "searching.result",
    "FacetValue": "searching.result",
    "FanOut": "declaration.fan_out",
    "FederatedResult": "searching.result",
    "Filter": "searching.query.filters",
    "Hierarchy": "searching.query.facets",
    "Highlight": "searching.query.per_query",
    "Hit": "searching.result",
    "ManyResult": "searching.many",
    "Mode": "work",
    "Operation": "work",
    "PerQuery": "searching.query.per_query",
    "ReasonClass": "work",
    "ScopedSearch": "searching.scoped",
    "Scrypath": "app",
    "ScrypathError": "errors",
    "SearchFailure": "searching.many",
    "SearchOptions": "searching.query.options",
    "SearchParams": "searching.params",
    "SearchResult": "searching.result",
    "SharedOptions": "searching.query.options",
    "State": "work",
    "SyncResult": "capture.result",
    "facet_levels": "searching.query.facets",
    "include_name": "ledger.autogenerate",
    "ledger_metadata": "ledger.autogenerate",
    "near": "searching.query.geo",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
