"""Settings of an index in the engine's spelling: which ones there are, and where what is declared is not live."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ..setting_defaults import DEFAULTS

OPTIONAL = frozenset({"foreignKeys", "chat"})
"""Settings that only some engines have (experimental features), and that have no default here."""

KNOWN = frozenset(DEFAULTS) | OPTIONAL

_SETS = frozenset({"sortableAttributes", "nonSeparatorTokens", "separatorTokens", "dictionary", "disableOnAttributes"})
_ORDERED = frozenset({"displayedAttributes", "searchableAttributes"})
_MERGED = frozenset({"typoTolerance", "minWordSizeForTypos", "faceting", "pagination"})
_SECRET = frozenset({"apiKey", "headers"})
_NESTED = frozenset({"searchEmbedder", "indexingEmbedder", "distribution"})
MASK = "(hidden)"
"""What stands for a secret wherever settings are shown."""


OLD_RANKING_RULES = ("words", "typo", "proximity", "attribute", "sort", "exactness")
"""The default ranking rules of engines before 1.36."""


def defaults_of(version: str | None) -> Mapping[str, Any]:
    """The settings of a fresh index of an engine of this version (None: of the newest that is known)."""
    parts = [int(part) for part in (version or "").split(".")[:2] if part.isdigit()]
    if len(parts) == 2 and parts < [1, 36]:
        return {**DEFAULTS, "rankingRules": list(OLD_RANKING_RULES)}
    return DEFAULTS


def differences(
    declared: Mapping[str, Any], live: Mapping[str, Any], defaults: Mapping[str, Any] = DEFAULTS
) -> dict[str, Any]:
    """The declared settings that are not live, as the engine's `PATCH` of them would take them.

    Both are compared as the engine normalises them (order of sets, duplicates, filled-up objects, `defaults` for
    None). Only what is declared counts: other live settings are not ours. The keys of embedders cannot be compared,
    since the engine hides them.
    """
    return {key: value for key, value in declared.items() if not same(key, value, live.get(key), defaults.get(key))}


def same(key: str, declared: Any, live: Any, default: Any = None) -> bool:
    """Whether a declared setting is live; `default` is what None means."""
    if declared is None:
        declared = default
    if key == "embedders" and isinstance(declared, Mapping):
        return _same_embedders(declared, live if isinstance(live, Mapping) else {})
    if key in _MERGED and isinstance(declared, Mapping) and isinstance(live, Mapping):
        defaults = default if isinstance(default, Mapping) else {}
        return all(same(name, value, live.get(name), defaults.get(name)) for name, value in declared.items())
    return bool(_normal(key, declared) == _normal(key, live))


def masked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with what may be secret in embedders (keys, headers) left out."""
    return {name: _masked(value) if name == "embedders" else value for name, value in settings.items()}


def _masked(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: MASK if name in _SECRET and item is not None else _masked(item) for name, item in value.items()}


def _same_embedders(declared: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether all embedders that are declared are there as declared, and none that is declared None; others are not
    ours.

    The engine fills up what is not declared; what is declared None has a default that depends on its source.
    """
    for name, embedder in declared.items():
        if embedder is None:
            if name in live:
                return False
        elif name not in live or not _within(embedder, live[name]):
            return False
    return True


def _within(declared: Mapping[str, Any], live: Any) -> bool:
    if not isinstance(live, Mapping):
        return False
    for name, value in declared.items():
        if name in _SECRET or value is None:
            continue
        found = live.get(name)
        nested = name in _NESTED and isinstance(value, Mapping)
        if not (_within(value, found) if nested else value == found):
            return False
    return True


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
        return sorted({_folded(word) for word in value})
    if key == "filterableAttributes":
        return _all_filterable(value)
    return list(value)


def _mapping(key: str, value: Mapping[str, Any]) -> Any:
    if key == "sortFacetValuesBy":
        return {"*": "alpha", **value}
    return dict(value)


def _decomposed(word: str) -> str:
    return unicodedata.normalize("NFKD", word)


def _folded(word: str) -> str:
    return "".join(letter for letter in _decomposed(word.lower()) if not unicodedata.combining(letter))


def _all_filterable(items: Iterable[Any]) -> Any:
    """Plain names are a set; among objects the first that fits a field counts, so their order says something."""
    found = [_filterable(item) for item in items]
    return sorted(set(found)) if all(isinstance(item, str) for item in found) else found


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
