"""Which settings a request may send: the check of every key, and what is refused before a task exists."""

from __future__ import annotations

from typing import Any

from . import values
from .locales import LOCALES
from .refusal import Refusal
from .settings import KEYS
from .values import Check

_RULES = ("words", "typo", "sort", "proximity", "attribute", "attributeRank", "wordPosition", "exactness")
_RESERVED = ("_geo", "_geoDistance", "_geoPoint", "_geoRadius", "_geoBoundingBox", "_geoPolygon")


def _ranking_rule(value: Any, place: str, code: str) -> str:
    rule = values.text(value, place, code)
    name, colon, direction = rule.rpartition(":")
    reserved = name in _RESERVED or rule.startswith(tuple(f"{word}(" for word in _RESERVED))
    if rule in _RULES or (colon and direction in ("asc", "desc") and not reserved):
        return rule
    raise Refusal(
        code,
        f"Invalid value at `{place}`: `{rule}` ranking rule is invalid. Valid ranking rules are words, typo, sort,"
        " proximity, attribute, attributeRank, wordPosition, exactness and custom ranking rules.",
    )


def _ranking_rules(value: Any, place: str, code: str) -> list[str]:
    rules: list[str] = values.many(_ranking_rule)(value, place, code)
    if "attribute" in rules and {"attributeRank", "wordPosition"} & set(rules):
        raise Refusal(
            code,
            f"Invalid value at `{place}`: `attribute` cannot be used together with `attributeRank` or `wordPosition`.",
        )
    return rules


def _filterable(value: Any, place: str, code: str) -> Any:
    if isinstance(value, str):
        return value
    sent = _FILTERABLE(value, place, code)
    features = sent.get("features") or {}
    by = features.get("filter") or {}
    return {
        "attributePatterns": sent["attributePatterns"],
        "features": {
            "facetSearch": features.get("facetSearch", False),
            "filter": {"equality": by.get("equality", True), "comparison": by.get("comparison", False)},
        },
    }


def _locale(value: Any, place: str, code: str) -> str:
    if values.text(value, place, code) not in LOCALES:
        raise Refusal(code, f"Unknown value `{value}` at `{place}`: expected one of the ISO-639 codes of a language")
    return str(value)


def _typo_sizes(value: Any, place: str, code: str) -> dict[str, Any]:
    size = values.optional(values.small)
    sizes: dict[str, Any] = values.record({"oneTypo": size, "twoTypos": size})(value, place, code)
    one, two = sizes.get("oneTypo"), sizes.get("twoTypos")
    if one is not None and two is not None and one > two:
        raise Refusal(
            code,
            f"Invalid value at `{place}`: `minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields"
            " should be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found"
            f" `oneTypo: {one}` and twoTypos: {two}`.",
        )
    return sizes


def _total_hits(value: Any, place: str, code: str) -> int:
    if values.natural(value, place, code) == 0:
        raise Refusal(
            code, f"Invalid value at `{place}`: a non-zero integer value lower than `{values.MAX}` was expected"
        )
    return int(value)


def _experimental(feature: str, kind: type, called: str) -> Check:
    def check(value: Any, place: str, code: str) -> None:
        if not isinstance(value, kind | None):
            raise values.wrong(value, place, code, called)
        if value is not None:
            raise Refusal(
                "feature_not_enabled", f"setting `{place}` requires enabling the `{feature}` experimental feature."
            )

    return check


_FILTER = values.record({"equality": values.boolean, "comparison": values.boolean})
_FEATURES = values.record({"facetSearch": values.boolean, "filter": _FILTER})
_FILTERABLE = values.record({"attributePatterns": values.many(values.text), "features": _FEATURES}, "attributePatterns")
_LOCALIZED = values.record(
    {"attributePatterns": values.many(values.text), "locales": values.many(_locale)}, "attributePatterns", "locales"
)
_OBJECT = values.mapping(lambda value, _place, _code: value)


_SOURCES = ("openAi", "huggingFace", "ollama", "userProvided", "rest", "composite")
_EMBEDDER = tuple(
    "source model revision pooling apiKey dimensions binaryQuantized documentTemplate documentTemplateMaxBytes url"
    " indexingFragments searchFragments request response headers searchEmbedder indexingEmbedder distribution".split()
)
_MANDATORY = {"userProvided": "dimensions", "rest": "url", "ollama": "model"}


def _embedder(value: Any, place: str, code: str) -> dict[str, Any]:
    embedder: dict[str, Any] = _OBJECT(value, place, code)
    for name in embedder:
        if name not in _EMBEDDER:
            raise values.unknown(name, _EMBEDDER, code, place)
    values.optional(values.one_of(*_SOURCES))(embedder.get("source"), f"{place}.source", code)
    return embedder


def _check_embedders(embedders: dict[str, Any], place: str) -> None:
    """What the engine checks of embedders after it has read the whole of the settings."""
    code = "invalid_settings_embedders"
    for name, one in embedders.items():
        needed = None if one is None else _MANDATORY.get(one.get("source"))
        if needed is not None and one.get(needed) is None:
            raise Refusal(code, f"`{place}.{name}`: Missing field `{needed}` (it is mandatory for this source)")
        if one is not None and one.get("dimensions") == 0:
            raise Refusal(code, f"`{place}.{name}.dimensions`: `dimensions` cannot be zero")


_FACET_ORDER = values.mapping(values.one_of("alpha", "count"))

CHECKS: dict[str, Check] = {
    "displayedAttributes": values.many(values.text),
    "searchableAttributes": values.many(values.text),
    "filterableAttributes": values.many(_filterable),
    "sortableAttributes": values.words,
    "foreignKeys": _experimental("foreign_keys", list, "an array"),
    "rankingRules": _ranking_rules,
    "stopWords": values.words,
    "nonSeparatorTokens": values.words,
    "separatorTokens": values.words,
    "dictionary": values.words,
    "synonyms": values.mapping(values.many(values.text)),
    "distinctAttribute": values.text,
    "proximityPrecision": values.one_of("byWord", "byAttribute"),
    "typoTolerance": values.record(
        {
            "enabled": values.optional(values.boolean),
            "minWordSizeForTypos": values.optional(_typo_sizes),
            "disableOnWords": values.optional(values.words),
            "disableOnAttributes": values.optional(values.words),
            "disableOnNumbers": values.optional(values.boolean),
        }
    ),
    "faceting": values.record(
        {"maxValuesPerFacet": values.optional(values.natural), "sortFacetValuesBy": values.optional(_FACET_ORDER)}
    ),
    "pagination": values.record({"maxTotalHits": values.optional(_total_hits)}),
    "embedders": values.mapping(values.optional(_embedder)),
    "searchCutoffMs": values.natural,
    "localizedAttributes": values.many(_LOCALIZED),
    "facetSearch": values.boolean,
    "prefixSearch": values.one_of("indexingTime", "disabled"),
    "chat": _experimental("chat_completions", dict, "an object"),
}

_CODE_WORDS = {key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in KEYS}
PATHS = {key: words.replace("_", "-") for key, words in _CODE_WORDS.items()}
"""The sub-route of each key: `stopWords` has `/settings/stop-words`."""
PATCHED = frozenset({"typoTolerance", "faceting", "pagination", "embedders", "chat"})
"""The keys whose sub-route takes PATCH; the others take PUT."""


def checked(key: str, value: Any, place: str, *, last: bool = True) -> Any:
    """One setting, validated and in the form of a task's details; Refusal `invalid_settings_...`.

    `last` is False where more of the same request is still to be read.
    """
    code = "invalid_settings_index_chat" if key == "chat" else f"invalid_settings_{_CODE_WORDS[key]}"
    found = None if value is None else CHECKS[key](value, place, code)
    if key == "embedders" and last and found is not None:
        _check_embedders(found, place)
    return found


def all_checked(body: Any) -> dict[str, Any]:
    """The body of `PATCH /indexes/{uid}/settings`, validated; Refusal."""
    if not isinstance(body, dict):
        raise values.wrong(body, "", "bad_request", "an object")
    found = {}
    for name, value in body.items():
        if name not in KEYS:
            raise values.unknown(name, KEYS)
        found[name] = checked(name, value, f".{name}", last=False)
    if found.get("embedders") is not None:
        _check_embedders(found["embedders"], ".embedders")
    return {key: found[key] for key in KEYS if key in found}


def shown(sent: dict[str, Any]) -> dict[str, Any]:
    """What the details of a settings task show of what was sent: a reset attribute list reads as `["*"]`."""
    lists = ("displayedAttributes", "searchableAttributes")
    return {key: ["*"] if value is None and key in lists else value for key, value in sent.items()}
