"""Searches: of one index, of its facets, of several indexes."""

from __future__ import annotations

from typing import Any

from .. import values
from ..call import Answer, Call, answer
from ..core import Core
from ..search import multi_search, request_of
from .indexes import uid_of
from .route import Route


def _search(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    return _searched(core, call, uid, _body(call))


def _search_by_query(core: Core, call: Call) -> Answer:
    return _searched(core, call, uid_of(call), request_of(call.query))


def _searched(core: Core, call: Call, uid: str, request: dict[str, Any]) -> Answer:
    request = _ruled(request, call.access.rule(uid))
    return answer(core.searchables.use(uid, lambda index: index.search(request)))


def _facet_search(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    request = _ruled(_body(call), call.access.rule(uid))
    return answer(core.searchables.use(uid, lambda index: index.facet_search(request)))


def _multi_search(core: Core, call: Call) -> Answer:
    body = _body(call)
    queries = body.get("queries")
    for query in queries if isinstance(queries, list) else []:
        if isinstance(query, dict) and isinstance(query.get("indexUid"), str):
            call.access.require(query["indexUid"])
            query.update(_ruled(query, call.access.rule(query["indexUid"])))
    return answer(core.searchables.use_many(lambda find: multi_search(find, body)))


def _body(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise values.wrong(body, "", "bad_request", "an object")
    return body


def _ruled(request: dict[str, Any], rule: Any) -> dict[str, Any]:
    """The request with the filter of a tenant token put before its own."""
    if rule is None:
        return request
    own = request.get("filter")
    both = [*(rule if isinstance(rule, list) else [rule]), *(own if isinstance(own, list) else [own] if own else [])]
    return {**request, "filter": both}


ROUTES = (
    Route("POST", "/indexes/{index}/search", _search, "search", slow=True),
    Route("GET", "/indexes/{index}/search", _search_by_query, "search", slow=True),
    Route("POST", "/indexes/{index}/facet-search", _facet_search, "search", slow=True),
    Route("POST", "/multi-search", _multi_search, "search", slow=True),
)
