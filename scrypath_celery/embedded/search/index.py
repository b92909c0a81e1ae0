"""The searchable form of one index."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from typing import Any

from ..refusal import Refusal
from .facets import check_facets, facets, values_like
from .filtering import Filtering, read
from .forms import Forms
from .request import Request, understood
from .searching import Searching
from .sorting import criteria, from_place, rule_of


class SearchIndex:
    """The documents of one index in memory, ready to be searched.

    It keeps every document as compact JSON, some 200 bytes a document of 8 short fields, and derives the inverted index
    and the columns of attributes when a search first needs them: `put` only notes what is to be read. `settings` are
    those that `GET /settings` answers, all keys present. Not for several threads at once: its owner holds a lock.
    """

    def __init__(self, uid: str, settings: dict[str, Any], primary_key: str | None) -> None:
        self.forms = Forms(uid, settings, primary_key)

    def __len__(self) -> int:
        return len(self.forms.store)

    def configure(self, uid: str, settings: dict[str, Any], primary_key: str | None) -> None:
        """Take another name, key or other settings; what they make stale is derived again when it is needed."""
        self.forms.configure(uid, settings, primary_key)

    def put(self, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Keep documents by id; one that is there is replaced."""
        self.forms.store.put(documents)

    def delete(self, ids: Iterable[str]) -> None:
        """Forget documents; unknown ids are skipped."""
        self.forms.store.delete(ids)

    def clear(self) -> None:
        """Forget all documents."""
        self.forms.clear()

    def document(self, id: str) -> dict[str, Any] | None:
        """A document by its id."""
        slot = self.forms.store.slot(id)
        return None if slot is None else self.forms.store.document(slot)

    def field_names(self) -> list[str]:
        """The names of all fields that documents had, those inside others with their dotted paths."""
        return list(self.forms.paths.names)

    def select(self, filter: str | list[Any], *, code: str) -> list[str]:
        """The ids of the documents that fulfil a filter, in the internal order. Refusal with `code`."""
        read_ = read(filter, code=code)
        slots = self.forms.store.live() if read_ is None else Filtering(self.forms, code).select(read_)
        return [self.forms.store.id(slot) for slot in sorted(slots)]

    def order(self, ids: Iterable[str], sort: list[str], *, code: str, start: int = 0) -> list[str]:
        """Known ids in the order of a `sort`, from a place on.

        Refusal with `code` if it cannot be understood or is not sortable.
        """
        rules = [rule_of(one, self.forms) for one in criteria(sort, self.forms, code=code)]
        slots = frozenset(slot for id in ids if (slot := self.forms.store.slot(id)) is not None)
        return [self.forms.store.id(slot) for slot in from_place(rules, slots, start)]

    def search(self, request: Any) -> dict[str, Any]:
        """The answer to the body of a search. Refusal for whatever the engine refuses."""
        began = time.perf_counter()
        asked = understood(request)
        return self.answer(asked, began)

    def answer(self, request: Request, began: float) -> dict[str, Any]:
        """The answer to a search that was understood; `began` is when it came, by `time.perf_counter`."""
        most = self.forms.settings["pagination"]["maxTotalHits"]
        if request.paged:
            page, size = (
                1 if request.page is None else request.page,
                20 if request.hits_per_page is None else request.hits_per_page,
            )
            start, count = (page - 1) * size if page else 0, size if page else 0
        else:
            start, count = request.offset, request.limit
        start = min(start, most)
        results = Searching(self.forms, request).run(start, min(count, most - start), exact=request.paged)
        answer: dict[str, Any] = {"hits": results.hits(), "query": request.q or "", "processingTimeMs": 0}
        if request.paged:
            pages = -(-results.total // size) if size else 0
            answer |= {"hitsPerPage": size, "page": page, "totalPages": pages, "totalHits": results.total}
        else:
            answer |= {"limit": request.limit, "offset": request.offset, "estimatedTotalHits": results.total}
        if request.facets:
            check_facets(self.forms, request.facets)
            answer["facetDistribution"], answer["facetStats"] = facets(self.forms, request.facets, results.slots)
        answer["requestUid"] = str(uuid.uuid4())
        answer["processingTimeMs"] = int((time.perf_counter() - began) * 1000)
        if request.show_performance_details:
            answer["performanceDetails"] = performance(began)
        return answer

    def facet_search(self, request: Any) -> dict[str, Any]:
        """The answer to the body of a facet search."""
        began = time.perf_counter()
        if not isinstance(request, dict):
            understood(request)
        name, text = request.get("facetName"), request.get("facetQuery")
        if "facetName" not in request:
            raise Refusal("missing_facet_search_facet_name", "Missing field `facetName`")
        if not isinstance(name, str):
            raise Refusal("invalid_facet_search_facet_name", "Invalid value type at `.facetName`: expected a string")
        if text is not None and not isinstance(text, str):
            raise Refusal("invalid_facet_search_query", "Invalid value type at `.facetQuery`: expected a string")
        own = {key: value for key, value in request.items() if key in _FACET_KEYS}
        asked = understood(own)
        if not self.forms.settings["facetSearch"]:
            raise Refusal("facet_search_disabled", "The facet search is disabled for this index")
        slots = Searching(self.forms, asked).run(0, 20).slots
        if not self.forms.filterable.allows_facet_search(name):
            raise Refusal("invalid_facet_search_facet_name", f"Attribute `{name}` is not facet-searchable.")
        found = values_like(self.forms, name, text, slots)
        return {"facetHits": found, "facetQuery": text, "processingTimeMs": int((time.perf_counter() - began) * 1000)}


def performance(began: float) -> dict[str, str]:
    """What `showPerformanceDetails` asks for: how long the search took, as a whole."""
    return {"search": f"{(time.perf_counter() - began) * 1000:.2f}ms"}


_FACET_KEYS = frozenset(
    "q vector media hybrid filter matchingStrategy attributesToSearchOn rankingScoreThreshold locales".split()
)
