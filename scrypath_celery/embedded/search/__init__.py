"""Everything that answers a query: filters, ranking, facets, highlighting, several searches at once."""

from __future__ import annotations

from scrypath_celery.embedded.search.fields import fits, names
from scrypath_celery.embedded.search.filtering import check_filter
from scrypath_celery.embedded.search.index import SearchIndex
from scrypath_celery.embedded.search.multi import multi_search
from scrypath_celery.embedded.search.request import request_of

__all__ = ["SearchIndex", "check_filter", "fits", "multi_search", "names", "request_of"]
