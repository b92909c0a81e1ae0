"""What `settings=` may hold, as types that editors complete. Names are in snake_case; the engine takes its own too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class MinWordSizes(TypedDict, total=False):
    """From how many letters on a word may have one typo, and two (0 to 255)."""

    one_typo: int | None
    two_typos: int | None


class TypoTolerance(TypedDict, total=False):
    """Which words may be misspelt."""

    enabled: bool | None
    min_word_size_for_typos: MinWordSizes | None
    disable_on_words: Sequence[str] | None
    disable_on_attributes: Sequence[str] | None
    disable_on_numbers: bool | None


class Faceting(TypedDict, total=False):
    """How values of a facet are counted; `attributes` are fields to count by, which become filterable."""

    attributes: Sequence[str]
    max_values_per_facet: int | None
    sort_facet_values_by: Mapping[str, Literal["alpha", "count"]] | None


class Pagination(TypedDict, total=False):
    """How far a search may page."""

    max_total_hits: int | None


class LocalizedAttributes(TypedDict):
    """The languages (ISO 639 codes) of the fields that fit a pattern."""

    attribute_patterns: Sequence[str]
    locales: Sequence[str]


class OneWay(TypedDict):
    """Synonyms in one direction: a search for the word finds the others too, not the other way around."""

    one_way: Mapping[str, Sequence[str]]


Synonyms = Mapping[str, Sequence[str]] | Sequence[Sequence[str] | OneWay]
"""A map as the engine takes it, or groups: the words of a list stand for each other, those of `one_way` do not."""


class Settings(TypedDict, total=False):
    """Further settings of an index; None means the engine's default, what is left out is not ours to say.

    `searchable` beats `fields` as the list of what is searched; the keys of `embedders` are never shown.
    """

    searchable: Sequence[str] | None
    displayed: Sequence[str] | None
    ranking_rules: Sequence[str] | None
    stop_words: Sequence[str] | None
    non_separator_tokens: Sequence[str] | None
    separator_tokens: Sequence[str] | None
    dictionary: Sequence[str] | None
    synonyms: Synonyms | None
    distinct_attribute: str | None
    proximity_precision: Literal["byWord", "byAttribute"] | None
    typo_tolerance: TypoTolerance | None
    pagination: Pagination | None
    embedders: Mapping[str, Mapping[str, Any] | None] | None
    search_cutoff_ms: int | None
    localized_attributes: Sequence[LocalizedAttributes] | None
    facet_search: bool | None
    prefix_search: Literal["indexingTime", "disabled"] | None
    foreign_keys: Sequence[Mapping[str, Any]] | None
    chat: Mapping[str, Any] | None
