"""One list of hits from several searches: merged by score and sort, counted and faceted together."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import groupby
from typing import Any

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search.facets import attributes, by_count, check_facets, facets
from scrypath_celery.embedded.search.index import SearchIndex
from scrypath_celery.embedded.search.ranking import Ranked, score
from scrypath_celery.embedded.search.request import Request
from scrypath_celery.embedded.search.rules import Detail, Placed
from scrypath_celery.embedded.search.searching import Results, Searching

Find = Callable[[str], SearchIndex]
_ALIKE = 1e-12
_COUNTS = {"limit": 20, "offset": 0, "page": None, "hitsPerPage": None}
_CODES = {
    "limit": "invalid_search_limit",
    "offset": "invalid_search_offset",
    "page": "invalid_search_page",
    "hitsPerPage": "invalid_search_hits_per_page",
}


@dataclass(frozen=True, slots=True)
class Federation:
    """How to merge: the page wanted, the facets of each index, and whether these are merged too."""

    limit: int
    offset: int
    page: int | None
    size: int | None
    facets: dict[str, list[str] | None]
    merge: bool
    most_values: int | None
    distinct: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the searches: its index, what it weighs, and the position that its hits are given."""

    index: SearchIndex
    uid: str
    request: Request
    weight: float
    position: int


def federation_of(body: Any) -> Federation | None:
    """The `federation` of a request; Refusal for what it may not hold."""
    if body is None:
        return None
    if not isinstance(body, dict):
        raise Refusal("invalid_multi_search_federated", "Invalid value type at `.federation`: expected an object")
    known = (*_COUNTS, "facetsByIndex", "mergeFacets", "distinct", "showPerformanceDetails")
    for name in body:
        if name not in known:
            raise Refusal(
                "bad_request",
                f"Unknown field `{name}` inside `.federation`: expected one of "
                + ", ".join(f"`{one}`" for one in known),
            )
    counts = {name: _count(body.get(name, default), name) for name, default in _COUNTS.items()}
    distinct = body.get("distinct")
    if distinct is not None and not isinstance(distinct, str):
        raise Refusal(
            "invalid_multi_search_distinct", "Invalid value type at `.federation.distinct`: expected a string"
        )
    merge, most = _merge(body.get("mergeFacets"))
    return Federation(
        counts["limit"] or 0,
        counts["offset"] or 0,
        counts["page"],
        counts["hitsPerPage"],
        _facets(body.get("facetsByIndex")),
        merge,
        most,
        distinct,
    )


def _count(value: Any, name: str) -> int | None:
    if value is None and _COUNTS[name] is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refusal(_CODES[name], f"Invalid value type at `.federation.{name}`: expected a positive integer")
    return value


def _facets(value: Any) -> dict[str, list[str] | None]:
    if value is None:
        return {}
    fits = isinstance(value, dict) and all(
        one is None or (isinstance(one, list) and all(isinstance(name, str) for name in one)) for one in value.values()
    )
    if not fits:
        raise Refusal(
            "invalid_multi_search_facets_by_index",
            "Invalid value type at `.federation.facetsByIndex`: expected an object of arrays of strings",
        )
    return dict(value)


def _merge(value: Any) -> tuple[bool, int | None]:
    if value is None:
        return False, None
    if not isinstance(value, dict):
        raise Refusal(
            "invalid_multi_search_merge_facets", "Invalid value type at `.federation.mergeFacets`: expected an object"
        )
    for name in value:
        if name != "maxValuesPerFacet":
            raise Refusal(
                "bad_request", f"Unknown field `{name}` inside `.federation.mergeFacets`: expected `maxValuesPerFacet`"
            )
    most = value.get("maxValuesPerFacet")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
        raise Refusal(
            "invalid_multi_search_max_values_per_facet",
            "Invalid value type at `.federation.mergeFacets.maxValuesPerFacet`: expected a positive integer",
        )
    return True, most


@dataclass(slots=True)
class _Hit:
    place: int
    ranked: Ranked
    marks: list[float | Placed]


class Federator:
    """Runs the searches and merges what they find. `inside` says of a refusal which of the searches it is about."""

    def __init__(
        self, asked: Sequence[Asked], federation: Federation, inside: Callable[[int], AbstractContextManager[None]]
    ) -> None:
        self._asked, self._federation, self._inside = asked, federation, inside

    def answer(self, find: Find) -> dict[str, Any]:
        """The merged answer."""
        federation = self._federation
        paged = federation.page is not None or federation.size is not None
        page = 1 if federation.page is None else federation.page
        size = 20 if federation.size is None else federation.size
        start, count = (
            (((page - 1) * size if page else 0), size if page else 0)
            if paged
            else (federation.offset, federation.limit)
        )
        results = []
        for place, one in enumerate(self._asked):
            with self._inside(place):
                most = one.index.forms.settings["pagination"]["maxTotalHits"]
                results.append(Searching(one.index.forms, one.request).run(0, min(start + count, most), scored=True, exact=paged))
        merged, total = self._merged(results)
        hits = [self._hit(one, results[one.place]) for one in merged[start : start + count]]
        answer: dict[str, Any] = {"hits": hits, "processingTimeMs": 0}
        if paged:
            answer |= {
                "hitsPerPage": size,
                "page": page,
                "totalPages": -(-total // size) if size else 0,
                "totalHits": total,
            }
        else:
            answer |= {"limit": federation.limit, "offset": federation.offset, "estimatedTotalHits": total}
        answer |= self._faceted(find, results)
        answer["requestUid"] = str(uuid.uuid4())
        return answer

    def _merged(self, results: list[Results]) -> tuple[list[_Hit], int]:
        hits = [
            _Hit(place, ranked, _marks(ranked.details, self._asked[place].weight))
            for place, one in enumerate(results)
            for ranked in one.ranked
        ]
        hits.sort(key=cmp_to_key(lambda one, other: _compare(one.marks, other.marks)))
        seen: set[tuple[str, int]] = set()
        values: set[str | float] = set()
        kept: list[_Hit] = []
        dropped = 0
        for hit in hits:
            key = self._asked[hit.place].uid, hit.ranked.slot
            if key in seen:
                continue
            seen.add(key)
            if self._federation.distinct is not None:
                held = results[hit.place].forms.column(self._federation.distinct).values(hit.ranked.slot)
                if not values.isdisjoint(held):
                    dropped += 1
                    continue
                values.update(held)
            kept.append(hit)
        return kept, sum(len(slots) for slots in self._slots(results).values()) - dropped

    def _slots(self, results: list[Results]) -> dict[str, frozenset[int]]:
        """All documents that fit, by index."""
        slots: dict[str, frozenset[int]] = {}
        for one, found in zip(self._asked, results, strict=True):
            slots[one.uid] = slots.get(one.uid, frozenset()) | found.slots
        return slots

    def _hit(self, hit: _Hit, results: Results) -> dict[str, Any]:
        asked = self._asked[hit.place]
        weighted = score(hit.ranked.details) * asked.weight
        shown = {"indexUid": asked.uid, "queriesPosition": asked.position, "weightedRankingScore": weighted}
        return {**results.hit(hit.ranked), "_federation": shown}

    def _faceted(self, find: Find, results: list[Results]) -> dict[str, Any]:
        federation = self._federation
        wanted = {uid: names for uid, names in federation.facets.items() if names is not None}
        if not wanted:
            return {}
        slots = self._slots(results)
        by_index: dict[str, Any] = {}
        orders: dict[str, bool] = {}
        for uid in sorted(wanted):
            try:
                forms = find(uid).forms
                check_facets(forms, wanted[uid])
            except Refusal as exc:
                raise Refusal(exc.code, f"Inside `.federation.facetsByIndex.{uid}`: {exc.message}", status=400) from exc
            for name in attributes(forms, wanted[uid]) if federation.merge else ():
                if orders.setdefault(name, by_count(forms, name)) != by_count(forms, name):
                    raise Refusal(
                        "invalid_multi_search_facet_order",
                        f"Inside `.federation.facetsByIndex.{uid}`: Inconsistent order"
                        f" for values in facet `{name}` between indexes.",
                    )
            distribution, stats = facets(forms, wanted[uid], slots.get(uid, frozenset()))
            by_index[uid] = {"distribution": distribution, "stats": stats}
        return (
            _merge_facets(by_index, orders, federation.most_values) if federation.merge else {"facetsByIndex": by_index}
        )


def _merge_facets(by_index: dict[str, Any], orders: dict[str, bool], most: int | None) -> dict[str, Any]:
    distribution: dict[str, Counter[str]] = {}
    stats: dict[str, dict[str, float]] = {}
    for one in by_index.values():
        for name, counts in one["distribution"].items():
            distribution.setdefault(name, Counter()).update(counts)
        for name, own in one["stats"].items():
            held = stats.setdefault(name, dict(own))
            held["min"], held["max"] = min(held["min"], own["min"]), max(held["max"], own["max"])
    limit = 100 if most is None else most
    shown = {}
    for name, counts in distribution.items():
        pairs = sorted(counts.items())
        if orders.get(name):
            pairs.sort(key=lambda pair: -pair[1])
        shown[name] = dict(pairs[:limit])
    return {"facetDistribution": shown, "facetStats": stats}


def _marks(details: Sequence[Detail], weight: float) -> list[float | Placed]:
    """What a hit is compared by: each run of ranks as one weighted score, each order by value as it is."""
    marks: list[float | Placed] = []
    for placed, run in groupby(details, key=lambda one: isinstance(one, Placed)):
        if placed:
            marks += [one for one in run if isinstance(one, Placed)]
        else:
            marks.append(score(list(run)) * weight)
    return marks


def _compare(left: list[float | Placed], right: list[float | Placed]) -> int:
    """Below 0 if the left hit comes first."""
    for one, other in zip(left, right, strict=False):
        order = _compare_one(one, other)
        if order:
            return order
    return 0


def _compare_one(one: float | Placed, other: float | Placed) -> int:
    if isinstance(one, Placed) and isinstance(other, Placed):
        if one.ascending != other.ascending or one.key == other.key:
            return 0
        if one.key[0] != other.key[0]:  # numbers, texts, nothing: in this order whichever the direction
            return -1 if one.key[0] < other.key[0] else 1
        return -1 if (one.key < other.key) == one.ascending else 1
    if isinstance(one, Placed) or isinstance(other, Placed):
        return 1 if isinstance(one, Placed) else -1
    return 0 if abs(one - other) <= _ALIKE else -1 if one > other else 1
