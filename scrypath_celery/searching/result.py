"""What a search found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Counts = Mapping[str, Mapping[str, int]]
"""Fields to values to how many documents have them; values are text, as the engine gives them."""


@dataclass(frozen=True, kw_only=True)
class FacetStats:
    """The smallest and the largest of the numbers that a facet counts."""

    min: float
    max: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Hit(Generic[T_co]):
    """One document that was found, and the record that it stands for.

    `score` is the engine's ranking score (0 to 1) where it was asked for or a merged list needs it, `distance` is in
    metres where hits are sorted by their distance. `highlights` are the marked and cropped fields, `document` holds
    the fields that `per_query["retrieve"]` named. `native` is the hit as the engine gave it.
    """

    record: T_co
    id: str
    schema: str
    native: Mapping[str, Any] = field(repr=False)

    @property
    def score(self) -> float | None:
        """The engine's ranking score, from 0 to 1; None where it was not asked for."""
        merged = self.native.get("_federation")
        found = merged.get("weightedRankingScore") if isinstance(merged, Mapping) else self.native.get("_rankingScore")
        return None if found is None else float(found)

    @property
    def score_details(self) -> Mapping[str, Any]:
        """How the score came about, rule by rule; empty where it was not asked for."""
        found = self.native.get("_rankingScoreDetails")
        return found if isinstance(found, Mapping) else {}

    @property
    def distance(self) -> float | None:
        """Metres from the point that hits are sorted by."""
        found = self.native.get("_geoDistance")
        return None if found is None else float(found)

    @property
    def highlights(self) -> Mapping[str, Any]:
        """The fields with their matches marked, or cropped around them; the rest of the text is as it is indexed."""
        found = self.native.get("_formatted")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The fields of the document that were retrieved, the id among them."""
        return {name: value for name, value in self.native.items() if name not in EXTRAS}


EXTRAS = frozenset(
    {
        "_federation",
        "_formatted",
        "_geoDistance",
        "_matchesPosition",
        "_rankingScore",
        "_rankingScoreDetails",
        "_vectors",
    }
)
"""What the engine puts beside the fields of a document."""


class Found(Generic[T_co]):
    """Hits whose records can be walked through, counted and picked by position."""

    hits: tuple[Hit[T_co], ...]

    @cached_property
    def records(self) -> tuple[T_co, ...]:
        """The records, in the order of the hits."""
        return tuple(hit.record for hit in self.hits)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, at: int) -> T_co: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[T_co, ...]: ...

    def __getitem__(self, at: int | slice) -> T_co | tuple[T_co, ...]:
        return self.records[at]


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult(Found[T_co]):
    """One page of records, in the order of relevance: iterable, with `len()`, and by position.

    `missing` are the ids that the index still has and the session does not see: deleted since they were indexed, of
    another tenant, or hidden by criteria of the session. `total` counts all that the index found; where it is an
    estimate, or stopped at what the engine counts at most, `total_is_exact` is false. `facets` are counts by field
    and value, `facet_stats` the range of the numbers among them. `took_ms` is the engine's own time. `is_current` says
    whether the write that the search was to come after was searchable; None where it was to come after none.
    """

    schema: str
    hits: tuple[Hit[T_co], ...]
    missing: tuple[str, ...]
    total: int
    total_is_exact: bool
    offset: int
    per_page: int
    facets: Counts = field(default_factory=dict)
    facet_stats: Mapping[str, FacetStats] = field(default_factory=dict)
    took_ms: int = 0
    is_current: bool | None = None

    @property
    def page(self) -> int:
        """The number of this page, from 1."""
        return self.offset // self.per_page + 1

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)


@dataclass(frozen=True, kw_only=True, eq=False)
class FederatedResult(Found[T_co]):
    """One list of hits of several indexes, merged by their weighted scores.

    `missing` are schema and id of hits without a record in the session. `total` is the engine's estimate over all.
    Facets are never merged: what a value means differs from index to index.
    """

    hits: tuple[Hit[T_co], ...]
    missing: tuple[tuple[str, str], ...]
    total: int
    offset: int
    limit: int
    took_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class FacetValue:
    """A value of a facet, and how many documents have it."""

    value: str
    count: int
