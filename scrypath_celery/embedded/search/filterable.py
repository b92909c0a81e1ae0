"""Which attributes may be filtered, and how: strings, and the objects with patterns and features."""

from __future__ import annotations

from typing import Any

from .fields import fits, names

COMPARISONS = frozenset({"<", "<=", ">", ">=", "TO"})


class Filterable:
    """The rules of `filterableAttributes`; the first that fits an attribute decides."""

    def __init__(self, rules: list[str | dict[str, Any]]) -> None:
        self._rules = rules

    def _features(self, attribute: str) -> dict[str, Any] | None:
        for rule in self._rules:
            if isinstance(rule, str):
                if names(rule, attribute):
                    return {"facetSearch": True, "filter": {"equality": True, "comparison": True}}
            elif any(fits(pattern, attribute) for pattern in rule["attributePatterns"]):
                features: dict[str, Any] = rule["features"]
                return features
        return None

    def allows(self, attribute: str) -> bool:
        """Whether the attribute may be filtered in any way, and so be a facet or distinct."""
        features = self._features(attribute)
        return features is not None and (features["filter"]["equality"] or features["filter"]["comparison"])

    def allows_operator(self, attribute: str, operator: str) -> bool:
        """Whether the attribute may be filtered with this operator."""
        features = self._features(attribute)
        if features is None:
            return False
        allowed: bool = features["filter"]["comparison" if operator in COMPARISONS else "equality"]
        return allowed

    def allows_facet_search(self, attribute: str) -> bool:
        """Whether the attribute's values may be searched."""
        features = self._features(attribute)
        return features is not None and bool(features["facetSearch"])

    def touches(self, pattern: str) -> bool:
        """Whether a pattern of attributes may mean one that may be filtered."""
        for rule in self._rules:
            patterns = [rule] if isinstance(rule, str) else rule["attributePatterns"]
            inside = isinstance(rule, str) and (names(rule, pattern) or names(pattern, rule))
            if inside or any(fits(one, pattern) or fits(pattern, one) for one in patterns):
                features = {"equality": True} if isinstance(rule, str) else rule["features"]["filter"]
                if any(features.values()):
                    return True
        return False

    def names(self) -> list[str] | None:
        """The attributes that the rules name; None if there are patterns among them."""
        named: list[str] = []
        for rule in self._rules:
            named += [rule] if isinstance(rule, str) else rule["attributePatterns"]
        return None if any("*" in one for one in named) else named

    def patterns(self) -> list[str]:
        """What may be filtered, for a refusal."""
        names_: set[str] = set()
        for rule in self._rules:
            names_.update([rule] if isinstance(rule, str) else rule["attributePatterns"])
        return sorted(names_)
