"""Everything that answers a query: filters, ranking, facets, highlighting, several searches at once."""

from __future__ import annotations

from .fields import fits, names
from .filtering import check_filter
from .index import SearchIndex
from .multi import multi_search
from .request import request_of

__all__ = ["SearchIndex", "check_filter", "fits", "multi_search", "names", "request_of"]
