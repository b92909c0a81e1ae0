"""Several searches in one request: answered one by one, or merged into one list."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..refusal import Refusal
from .federation import Asked, Federation, Federator, federation_of
from .index import SearchIndex, performance
from .request import KEYS, Request, understood

Find = Callable[[str], SearchIndex]
_UID = re.compile(r"[A-Za-z0-9_-]{1,512}")
_OPTIONS = {"weight": "a positive number", "queryPosition": "a positive integer", "remote": "a string"}


@dataclass(frozen=True, slots=True)
class _Query:
    uid: str
    request: Request
    body: dict[str, Any]
    weight: float
    position: int | None


def multi_search(find: Find, body: Any) -> dict[str, Any]:
    """The answer to the body of `POST /multi-search`. `find` gives the index of a uid, Refusal `index_not_found`."""
    began = time.perf_counter()
    if not isinstance(body, dict):
        understood(body)
    for name in body:
        if name not in ("queries", "federation"):
            raise Refusal("bad_request", f"Unknown field `{name}`: expected one of `queries`, `federation`")
    if "queries" not in body:
        raise Refusal("bad_request", "Missing field `queries`")
    if not isinstance(body["queries"], list):
        raise Refusal("bad_request", "Invalid value type at `.queries`: expected an array")
    federation = federation_of(body.get("federation"))
    queries = [_query(one, place) for place, one in enumerate(body["queries"])]
    if federation is not None:
        return _federated(find, queries, federation, began)
    for place, query in enumerate(queries):
        if query.body.get("federationOptions") is not None:
            raise Refusal(
                "invalid_multi_search_federation_options",
                f"Inside `.queries[{place}]`: Using `federationOptions` is not"
                " allowed in a non-federated search.\n - Hint: remove `federationOptions` from query"
                f" #{place} or add `federation` to the request.",
            )
    return {"results": [_answered(find, query, place) for place, query in enumerate(queries)]}


def _query(body: Any, place: int) -> _Query:
    at = f".queries[{place}]"
    if not isinstance(body, dict):
        raise Refusal("bad_request", f"Invalid value type at `{at}`: expected an object")
    for name in body:
        if name not in KEYS and name not in ("indexUid", "federationOptions"):
            raise Refusal(
                "bad_request",
                f"Unknown field `{name}` inside `{at}`: expected one of `indexUid`, "
                + ", ".join(f"`{one}`" for one in (*KEYS, "federationOptions")),
            )
    weight, position = _options(body.get("federationOptions"), at)
    if "indexUid" not in body:
        raise Refusal("missing_index_uid", f"Missing field `indexUid` inside `{at}`")
    uid = body["indexUid"]
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise Refusal(
            "invalid_index_uid",
            f"Invalid value at `{at}.indexUid`: `{uid}` is not a valid index uid. Index uid can be an"
            " integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not"
            " be more than 512 bytes.",
        )
    own = {name: value for name, value in body.items() if name in KEYS}
    return _Query(uid, understood(own, at=at), body, weight, position)


def _options(options: Any, at: str) -> tuple[float, int | None]:
    if options is None:
        return 1.0, None
    if not isinstance(options, dict):
        raise Refusal(
            "invalid_multi_search_federation_options",
            f"Invalid value type at `{at}.federationOptions`: expected an object",
        )
    for name in options:
        if name not in _OPTIONS:
            raise Refusal(
                "bad_request",
                f"Unknown field `{name}` inside `{at}.federationOptions`: expected one of `weight`, `remote`,"
                " `queryPosition`",
            )
    weight, position, remote = options.get("weight", 1.0), options.get("queryPosition"), options.get("remote")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
        raise Refusal(
            "invalid_multi_search_weight",
            f"Invalid value at `{at}.federationOptions.weight`: the value of `weight` is"
            " invalid, expected a positive float (>= 0.0).",
        )
    if position is not None and (isinstance(position, bool) or not isinstance(position, int) or position < 0):
        raise Refusal(
            "invalid_multi_search_query_position",
            f"Invalid value type at `{at}.federationOptions.queryPosition`: expected a positive integer",
        )
    if remote is not None:
        if not isinstance(remote, str):
            raise Refusal(
                "invalid_multi_search_remote",
                f"Invalid value type at `{at}.federationOptions.remote`: expected a string",
            )
        raise Refusal(
            "feature_not_enabled",
            f"Inside `{at}.federationOptions.remote`: Performing a remote federated search requires"
            " enabling the `network` experimental feature.",
        )
    return float(weight), position


def _answered(find: Find, query: _Query, place: int) -> dict[str, Any]:
    began = time.perf_counter()
    with _Inside(f".queries[{place}]"):
        return {"indexUid": query.uid, **find(query.uid).answer(query.request, began)}


class _Inside:
    """Says of every refusal within where in the body it came up, and answers 400 whatever its code."""

    def __init__(self, at: str) -> None:
        self._at = at

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, Refusal):
            raise Refusal(exc.code, f"Inside `{self._at}`: {exc.message}", status=400) from exc


_NOT_FEDERATED = {
    "limit": "query_pagination",
    "offset": "query_pagination",
    "page": "query_pagination",
    "hitsPerPage": "query_pagination",
    "facets": "query_facets",
    "personalize": "query_personalization",
    "showPerformanceDetails": "query_show_performance_details",
}


def _federated(find: Find, queries: list[_Query], federation: Federation, began: float) -> dict[str, Any]:
    asked: list[Asked] = []
    for place, query in enumerate(queries):
        for name, code in _NOT_FEDERATED.items():
            if query.body.get(name) is not None:
                raise Refusal(
                    f"invalid_multi_search_{code}",
                    f"Inside `.queries[{place}]`: Using `{name}` is not allowed in federated"
                    f" queries.\n - Hint: remove `{name}` from query #{place} or remove `federation` from the request",
                )
        if query.body.get("distinct") is not None and federation.distinct is not None:
            raise Refusal(
                "invalid_multi_search_distinct",
                f"Inside `.queries[{place}]`: Using `distinct` is not allowed both in a query and in `federation`.",
            )
        with _Inside(f".queries[{place}]"):
            index = find(query.uid)
        asked.append(
            Asked(index, query.uid, query.request, query.weight, place if query.position is None else query.position)
        )
    federator = Federator(asked, federation, lambda place: _Inside(f".queries[{place}]"))
    answer = federator.answer(find)
    answer["processingTimeMs"] = int((time.perf_counter() - began) * 1000)
    if federation.performance:
        answer["performanceDetails"] = performance(began)
    return answer
