"""One list of hits from several searches: merged by score and sort, counted and faceted together."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..refusal import Refusal
from .compatibility import Compatibility
from .facets import attributes, by_count, check_facets, facets
from .index import SearchIndex
from .ranking import Ranked, score
from .request import Request
from .rules import Detail, Placed
from .searching import Results, Searching

Find = Callable[[str], SearchIndex]
_ALIKE = 2.220446049250313e-16
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
    performance: bool


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
        bool(body.get("showPerformanceDetails")),
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
    weighted: float


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
        compatibility = Compatibility()
        for place, one in enumerate(self._asked):
            with self._inside(place):
                forms = one.index.forms
                searching = Searching(forms, one.request)
                compatibility.check(searching.constraints())
                wanted = min(start + count, forms.settings["pagination"]["maxTotalHits"])
                results.append(searching.run(0, wanted, scored=True, exact=paged, distinct=federation.distinct))
        merged, slots = self._merged(results, start + count)
        total = sum(map(len, slots.values()))
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
        answer |= self._faceted(find, slots)
        answer["requestUid"] = str(uuid.uuid4())
        return answer

    def _merged(self, results: list[Results], count: int) -> tuple[list[_Hit], dict[str, frozenset[int]]]:
        """The first hits in their order, and all documents that fit, by index."""
        slots = self._slots(results)
        hits = _taken_in_turn(
            [
                [_Hit(place, one, *_marks(one.details, self._asked[place].weight)) for one in found.ranked]
                for place, found in enumerate(results)
            ]
        )
        seen: set[tuple[str, int]] = set()
        values: set[str | float] = set()
        kept: list[_Hit] = []
        for hit in hits:
            uid, slot = self._asked[hit.place].uid, hit.ranked.slot
            if (uid, slot) in seen or (len(kept) >= count and self._federation.distinct is None):
                continue
            seen.add((uid, slot))
            if self._federation.distinct is not None:
                column = results[hit.place].forms.column(self._federation.distinct)
                held = (*column.values(slot), *([""] if column.is_blank(slot) else ()))
                if not values.isdisjoint(held):
                    slots[uid] -= {slot}
                    continue
                values.update(held)
            kept.append(hit)
        return kept, slots

    def _slots(self, results: list[Results]) -> dict[str, frozenset[int]]:
        """All documents that fit, by index."""
        slots: dict[str, frozenset[int]] = {}
        for one, found in zip(self._asked, results, strict=True):
            slots[one.uid] = slots.get(one.uid, frozenset()) | found.slots
        return slots

    def _hit(self, hit: _Hit, results: Results) -> dict[str, Any]:
        asked = self._asked[hit.place]
        shown = {"indexUid": asked.uid, "queriesPosition": asked.position, "weightedRankingScore": hit.weighted}
        return {**results.hit(hit.ranked), "_federation": shown}

    def _faceted(self, find: Find, slots: dict[str, frozenset[int]]) -> dict[str, Any]:
        federation = self._federation
        wanted = {uid: names for uid, names in federation.facets.items() if names is not None}
        if not wanted:
            return {}
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


def _marks(details: Sequence[Detail], weight: float) -> tuple[list[float | Placed], float]:
    """What a hit is compared by, runs of ranks as one weighted score and orders by value as they are; its score."""
    marks: list[float | Placed] = []
    for placed, run in groupby(details, key=lambda one: isinstance(one, Placed)):
        if placed:
            marks += [one for one in run if isinstance(one, Placed)]
        else:
            marks.append(score(list(run)) * weight)
    return marks, score(details) * weight


def _taken_in_turn(lists: list[list[_Hit]]) -> Iterator[_Hit]:
    """The hits of several lists: always the better one of those that come next in theirs."""
    queues = [deque(one) for one in lists if one]
    while queues:
        best = queues[0]
        for other in queues[1:]:
            if _compare(other[0], best[0]) > 0:
                best = other
        yield best.popleft()
        queues = [one for one in queues if one]


def _compare(left: _Hit, right: _Hit) -> int:
    """Above 0 if the left hit comes first, as the engine compares: which of two is ordered by more counts, too."""
    for place, (one, other) in enumerate(zip(left.marks, right.marks, strict=False), 1):
        order = _compare_marks(one, other)
        if order is None:
            more = _sign(len(left.marks) - place, len(right.marks) - place)
            return more or _sign(left.weighted, right.weighted)
        if order:
            return order
    return _sign(len(left.marks), len(right.marks))


def _compare_marks(one: float | Placed, other: float | Placed) -> int | None:
    """None where the two cannot be compared."""
    if isinstance(one, Placed) and isinstance(other, Placed):
        if one.ascending != other.ascending or bool(one.attribute) != bool(other.attribute):
            return None
        if one.key[0] != other.key[0]:  # numbers, texts, nothing: in this order whichever the direction
            return -_sign(one.key[0], other.key[0])
        if not one.attribute:  # the engine takes what is farther away first, whichever the direction
            return _sign(one.key, other.key)
        return _sign(other.key, one.key) if one.ascending else _sign(one.key, other.key)
    if isinstance(one, Placed) or isinstance(other, Placed):
        return None
    return 0 if abs(one - other) <= _ALIKE else _sign(one, other)


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)
