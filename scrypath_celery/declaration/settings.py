"""Settings of an index: which ones there are, and where what is declared differs from what is live."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    "displayedAttributes": ["*"],
    "searchableAttributes": ["*"],
    "filterableAttributes": [],
    "sortableAttributes": [],
    "rankingRules": ["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"],
    "stopWords": [],
    "nonSeparatorTokens": [],
    "separatorTokens": [],
    "dictionary": [],
    "synonyms": {},
    "distinctAttribute": None,
    "proximityPrecision": "byWord",
    "typoTolerance": {
        "enabled": True,
        "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
        "disableOnWords": [],
        "disableOnAttributes": [],
        "disableOnNumbers": False,
    },
    "faceting": {"maxValuesPerFacet": 100, "sortFacetValuesBy": {"*": "alpha"}},
    "pagination": {"maxTotalHits": 1000},
    "embedders": {},
    "searchCutoffMs": None,
    "localizedAttributes": None,
    "facetSearch": True,
    "prefixSearch": "indexingTime",
}
"""What a fresh index answers (Meilisearch 1.50); a setting of None means this."""

OPTIONAL = frozenset({"foreignKeys", "chat"})
"""Settings that only some engines have (experimental features), and that have no default here."""

KNOWN = frozenset(DEFAULTS) | OPTIONAL

_SETS = frozenset({"sortableAttributes", "nonSeparatorTokens", "separatorTokens", "dictionary", "disableOnAttributes"})
_ORDERED = frozenset({"displayedAttributes", "searchableAttributes"})
_MERGED = frozenset({"typoTolerance", "minWordSizeForTypos", "faceting", "pagination"})


def differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The declared settings that are not live, as the engine's `PATCH` of them would take them.

    Both are compared as the engine normalises them (order of sets, duplicates, filled-up objects, defaults for
    None). Only what is declared counts: other live settings are not ours. Embedders are compared by their names
    alone, since the engine fills them up and hides their keys.
    """
    return {key: value for key, value in declared.items() if not _same(key, value, live.get(key), DEFAULTS.get(key))}


def _same(key: str, declared: Any, live: Any, default: Any) -> bool:
    if declared is None:
        declared = default
    if key in _MERGED and isinstance(declared, Mapping) and isinstance(live, Mapping):
        defaults = default if isinstance(default, Mapping) else {}
        return all(_same(name, value, live.get(name), defaults.get(name)) for name, value in declared.items())
    return bool(_normal(key, declared) == _normal(key, live))


def _normal(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _mapping(key, value)
    if not isinstance(value, list | tuple):
        return value
    if key in _SETS:
        return sorted(set(value))
    if key in _ORDERED:
        return ["*"] if "*" in value else list(dict.fromkeys(value))
    if key == "stopWords":
        return sorted({_decomposed(word) for word in value})
    if key == "disableOnWords":
        return sorted({_decomposed(word).lower() for word in value})
    if key == "filterableAttributes":
        return [_filterable(item) for item in value]
    return list(value)


def _mapping(key: str, value: Mapping[str, Any]) -> Any:
    if key == "embedders":
        return sorted(name for name, embedder in value.items() if embedder is not None)
    if key == "sortFacetValuesBy":
        return {"*": "alpha", **value}
    return dict(value)


def _decomposed(word: str) -> str:
    return unicodedata.normalize("NFKD", word)


def _filterable(item: Any) -> Any:
    """A filterable attribute as the engine fills it up: an object gets all its features."""
    if not isinstance(item, Mapping):
        return item
    features = item.get("features") or {}
    filters = features.get("filter") or {}
    return {
        "attributePatterns": list(item.get("attributePatterns", ())),
        "features": {
            "facetSearch": features.get("facetSearch", False),
            "filter": {"equality": filters.get("equality", True), "comparison": filters.get("comparison", False)},
        },
    }


def attributes(filterable: Iterable[Any]) -> list[str]:
    """The plain names and patterns in `filterableAttributes`."""
    found: list[str] = []
    for item in filterable:
        found.extend(item.get("attributePatterns", ()) if isinstance(item, Mapping) else [item])
    return found


def canonical(value: Any) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
