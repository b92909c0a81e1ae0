"""How a document did by each ranking rule, as `_rankingScoreDetails` tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rules import Detail, Placed, Rank


def told(details: Sequence[Detail], rules: Sequence[str], displayed: Sequence[str]) -> dict[str, Any]:
    """One object for each rule in their order. The order by an attribute that is not displayed is not told.

    The two halves of `exactness` are one, and so are those of the old rule `attribute` where `rules` have it.
    """
    shown: dict[str, Any] = {}
    for one in details:
        if isinstance(one, Placed) and one.attribute and "*" not in displayed and one.attribute not in displayed:
            shown[f"<hidden-rule-{len(shown)}>"] = {"order": len(shown), "value": "<hidden>"}
        elif isinstance(one, Placed):
            shown[one.name] = {"order": len(shown), **one.facts}
        elif one.name == "exactWords":
            _add_words(shown["exactness"], one)
        elif one.name == "attributeRank" and "attribute" in rules:
            shown["attribute"] = {"order": len(shown), "attributeRankingOrderScore": one.score, "score": one}
        elif one.name == "wordPosition" and "attribute" in rules:
            _add_position(shown["attribute"], one)
        else:
            shown[one.name] = {"order": len(shown), **one.facts, "score": one.score}
    return shown


def _add_position(attribute: dict[str, Any], position: Rank) -> None:
    first: Rank = attribute.pop("score")
    attribute["queryWordDistanceScore"] = position.score
    attribute["score"] = ((first.rank - 1) * position.of + position.rank) / (first.of * position.of)


def _add_words(exactness: dict[str, Any], words: Rank) -> None:
    if exactness["matchType"] != "noExactMatch":
        return
    exactness.pop("score")
    exactness["matchingWords"] = words.rank - 1
    exactness["maxMatchingWords"] = words.of - 1
    exactness["score"] = words.rank / (3 * words.of)
