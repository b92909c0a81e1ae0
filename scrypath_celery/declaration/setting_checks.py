"""Settings as declared: names translated, values checked as the engine checks them, synonyms spelled out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from ..errors import SchemaError
from ..setting_defaults import DEFAULTS
from . import mapping
from .setting_names import engine_form, engine_name, own_name
from .settings import KNOWN, OLD_RANKING_RULES

Check = Callable[[Any, str], Any]

_RULES = frozenset({"words", "typo", "proximity", "attribute", "attributeRank", "sort", "wordPosition", "exactness"})


def declared_form(settings: Mapping[str, Any], shown: str) -> dict[str, Any]:
    """Declared settings in the engine's spelling, checked; `shown` is how errors call the declaration.

    Raises:
        SchemaError: a setting is unknown (the nearest one is suggested), given twice, or not what the engine takes.
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        key = engine_name(name) if isinstance(name, str) else name
        if key not in KNOWN:
            near = mapping.nearest(str(name), sorted(map(own_name, KNOWN)))
            raise SchemaError(f"{shown}: unknown setting {name!r}{near}")
        if key in found:
            raise SchemaError(f"{shown}: setting {own_name(key)!r} is given twice")
        found[key] = checked(key, value, f"{shown}: setting {name!r}")
    return found


def checked(key: str, value: Any, shown: str) -> Any:
    """One setting (the engine's name) in the engine's spelling.

    Raises:
        SchemaError: it is not what the engine takes.
    """
    if value is None or key not in _CHECKS:
        return value
    return _CHECKS[key](engine_form(key, value, shown), shown)


def missing_rules(rules: Sequence[str] | None) -> list[str]:
    """The engine's default ranking rules that a declared list leaves out; none where no list is declared."""
    if rules is None:
        return []
    # Before 1.36 attribute was one rule; it is the same as the two that stand for it now.
    wanted = OLD_RANKING_RULES if "attribute" in rules else DEFAULTS["rankingRules"]
    return [rule for rule in wanted if rule not in rules]


def _wrong(shown: str, wanted: str) -> SchemaError:
    return SchemaError(f"{shown} must be {wanted}")


def _words(value: Any, shown: str) -> list[str]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence | Set)
        or not all(isinstance(one, str) for one in value)
    ):
        raise _wrong(shown, "a list of strings")
    return sorted(value) if isinstance(value, Set) else list(value)


def _text(value: Any, shown: str) -> str:
    if not isinstance(value, str):
        raise _wrong(shown, "a string")
    return value


def _flag(value: Any, shown: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(shown, "true or false")
    return value


def _number(lowest: int, highest: int | None = None) -> Check:
    wanted = f"a whole number from {lowest}" + (f" to {highest}" if highest is not None else " on")

    def check(value: Any, shown: str) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < lowest or (highest is not None and value > highest):
            raise _wrong(shown, wanted)
        return int(value)

    return check


def _one_of(*words: str) -> Check:
    def check(value: Any, shown: str) -> str:
        if value not in words:
            raise _wrong(shown, f"one of {', '.join(words)}")
        return str(value)

    return check


def _object(**checks: Check) -> Check:
    def check(value: Any, shown: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(shown, "an object")
        return {
            name: item if item is None else checks[name](item, f"{shown}.{own_name(name)}")
            for name, item in value.items()
        }

    return check


def _map_of(item: Check) -> Check:
    def check(value: Any, shown: str) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise _wrong(shown, "an object with string keys")
        return {name: item(one, f"{shown}.{name}") for name, one in value.items()}

    return check


def _sizes(value: Any, shown: str) -> dict[str, Any]:
    found: dict[str, Any] = _object(oneTypo=_number(0, 255), twoTypos=_number(0, 255))(value, shown)
    one, two = found.get("oneTypo"), found.get("twoTypos")
    if one is not None and two is not None and one > two:
        raise SchemaError(f"{shown}: one_typo must not be above two_typos")
    return found


def _rules(value: Any, shown: str) -> list[str]:
    rules = _words(value, shown)
    for rule in rules:
        name, colon, direction = rule.rpartition(":")
        if rule not in _RULES and not (colon and name and direction in ("asc", "desc")):
            near = mapping.nearest(rule, sorted(_RULES))
            raise SchemaError(f"{shown}: unknown ranking rule {rule!r}{near or ' (or FIELD:asc, FIELD:desc)'}")
    if "attribute" in rules and {"attributeRank", "wordPosition"} & set(rules):
        raise SchemaError(f"{shown}: the rule attribute is the same as attributeRank and wordPosition together")
    return rules


def _synonyms(value: Any, shown: str) -> dict[str, list[str]]:
    """Synonyms as a map; of a group of words each stands for all others."""
    if isinstance(value, Mapping):
        found: dict[str, list[str]] = _map_of(_words)(value, shown)
        return found
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(shown, "an object, or a list of groups")
    spelled: dict[str, dict[str, None]] = {}
    for at, group in enumerate(value):
        if isinstance(group, Mapping):
            if set(group) != {"one_way"}:
                raise _wrong(f"{shown}[{at}]", "a list of words, or an object with the key one_way")
            pairs = _map_of(_words)(group["one_way"], f"{shown}[{at}].one_way")
        else:
            words = _words(group, f"{shown}[{at}]")
            pairs = {word: [other for other in words if other != word] for word in words}
        for word, others in pairs.items():
            spelled.setdefault(word, {}).update(dict.fromkeys(others))
    return {word: list(others) for word, others in spelled.items()}


def _localized(value: Any, shown: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(shown, "a list of objects")
    rule = _object(attributePatterns=_words, locales=_words)
    found = [rule(item, f"{shown}[{at}]") for at, item in enumerate(value)]
    if any(set(item) != {"attributePatterns", "locales"} for item in found):
        raise _wrong(shown, "a list of objects with attribute_patterns and locales")
    return found


def _embedder(value: Any, shown: str) -> Any:
    if value is not None and not isinstance(value, Mapping):
        raise _wrong(shown, "an object")
    return None if value is None else dict(value)


_CHECKS: Mapping[str, Check] = {
    "searchableAttributes": _words,
    "displayedAttributes": _words,
    "rankingRules": _rules,
    "stopWords": _words,
    "nonSeparatorTokens": _words,
    "separatorTokens": _words,
    "dictionary": _words,
    "synonyms": _synonyms,
    "distinctAttribute": _text,
    "proximityPrecision": _one_of("byWord", "byAttribute"),
    "typoTolerance": _object(
        enabled=_flag,
        minWordSizeForTypos=_sizes,
        disableOnWords=_words,
        disableOnAttributes=_words,
        disableOnNumbers=_flag,
    ),
    "faceting": _object(maxValuesPerFacet=_number(0), sortFacetValuesBy=_map_of(_one_of("alpha", "count"))),
    "pagination": _object(maxTotalHits=_number(1)),
    "embedders": _map_of(_embedder),
    "searchCutoffMs": _number(0),
    "localizedAttributes": _localized,
    "facetSearch": _flag,
    "prefixSearch": _one_of("indexingTime", "disabled"),
}
