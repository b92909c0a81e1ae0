"""How a document did by each ranking rule, as `_rankingScoreDetails` tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scrypath_celery.embedded.search.rules import Detail, Rank


def told(details: Sequence[Detail]) -> dict[str, Any]:
    """One object for each rule in their order; the two halves of exactness are one."""
    shown: dict[str, Any] = {}
    for one in details:
        if not isinstance(one, Rank):
            shown[one.name] = {"order": len(shown), **one.facts}
        elif one.name == "exactWords":
            _add_words(shown["exactness"], one)
        else:
            name = "attributePosition" if one.name == "wordPosition" else one.name
            shown[name] = {"order": len(shown), **one.facts, "score": one.score}
    return shown


def _add_words(exactness: dict[str, Any], words: Rank) -> None:
    if exactness["matchType"] != "noExactMatch":
        return
    exactness.pop("score")
    exactness["matchingWords"] = words.rank - 1
    exactness["maxMatchingWords"] = words.of - 1
    exactness["score"] = words.rank / (3 * words.of)
