"""The names of settings: ours in snake_case, the engine's in camelCase, and the way from one to the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import SchemaError
from . import mapping

_ALIASES = {"searchable": "searchableAttributes", "displayed": "displayedAttributes"}
_SHORT = {engine: ours for ours, engine in _ALIASES.items()}

_TYPOS = ("enabled", "minWordSizeForTypos", "disableOnWords", "disableOnAttributes", "disableOnNumbers")
INNER: Mapping[str, Sequence[str]] = {
    "typoTolerance": _TYPOS,
    "minWordSizeForTypos": ("oneTypo", "twoTypos"),
    "faceting": ("maxValuesPerFacet", "sortFacetValuesBy"),
    "pagination": ("maxTotalHits",),
    "localizedAttributes": ("attributePatterns", "locales"),
    "filterableAttributes": ("attributePatterns", "features"),
    "features": ("facetSearch", "filter"),
    "filter": ("equality", "comparison"),
}
"""The names inside settings that are objects, or lists of objects; what is not here has names of its own."""

_EMBEDDER = (
    "source",
    "model",
    "revision",
    "pooling",
    "apiKey",
    "dimensions",
    "binaryQuantized",
    "documentTemplate",
    "documentTemplateMaxBytes",
    "url",
    "indexingFragments",
    "searchFragments",
    "request",
    "response",
    "headers",
    "distribution",
    "searchEmbedder",
    "indexingEmbedder",
)


def engine_name(name: str) -> str:
    """The engine's name of a setting: `stop_words` and `stopWords` are `stopWords`, `searchable` is short for one."""
    if name in _ALIASES:
        return _ALIASES[name]
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def own_name(name: str) -> str:
    """Our name of a setting of the engine's: `stopWords` is `stop_words`."""
    return _SHORT.get(name) or re.sub(r"(?<!^)([A-Z])", lambda match: f"_{match[1].lower()}", name)


def engine_form(key: str, value: Any, shown: str) -> Any:
    """A value with the names inside it as the engine spells them; `shown` is how errors call it.

    Raises:
        SchemaError: a name is unknown (the nearest one is suggested), or given twice.
    """
    if key == "embedders":
        return _embedders(value, shown)
    if key not in INNER:
        return value
    if isinstance(value, Mapping):
        return _renamed(value, INNER[key], shown)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [engine_form(key, item, shown) if isinstance(item, Mapping) else item for item in value]
    return value


def _renamed(value: Mapping[str, Any], known: Sequence[str], shown: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        spelled = engine_name(name) if isinstance(name, str) else name
        if spelled not in known:
            near = mapping.nearest(str(name), [own_name(one) for one in known])
            raise SchemaError(f"{shown}: unknown option {name!r}{near}")
        if spelled in found:
            raise SchemaError(f"{shown}: {own_name(spelled)!r} is given twice")
        found[spelled] = engine_form(spelled, item, f"{shown}.{name}")
    return found


def _embedders(value: Any, shown: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for name, embedder in value.items():
        inner = embedder
        if isinstance(embedder, Mapping):
            inner = _renamed(embedder, _EMBEDDER, f"{shown}.{name}")
            for part in ("searchEmbedder", "indexingEmbedder"):
                if isinstance(inner.get(part), Mapping):
                    inner[part] = _renamed(inner[part], _EMBEDDER, f"{shown}.{name}.{part}")
        found[name] = inner
    return found
