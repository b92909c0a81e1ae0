"""Tuning of one search: the allow-list of what may be passed on to the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from ...declaration.mapping import nearest
from ...declaration.schema import Schema
from ...errors import QueryError


class Highlight(TypedDict, total=False):
    """What to mark in the hits: `fields` (all if left out), and what stands around a match."""

    fields: Sequence[str]
    pre_tag: str
    post_tag: str


class Crop(TypedDict, total=False):
    """What to cut around the matches: `fields`, the words that are left, and what stands for what was cut."""

    fields: Sequence[str]
    length: int
    marker: str


class PerQuery(TypedDict, total=False):
    """What one search may ask of the engine beside its filter and its order.

    `ranking_score_threshold` (0 to 1) leaves out hits of a lower score. `show_ranking_score` gives each hit its score,
    `show_ranking_score_details` how it came about. `highlight` and `crop` fill `hit.highlights`; each takes a list of
    fields, or a dict with its details. `retrieve` names the fields of `hit.document`. `search_on` searches these
    fields alone.
    """

    ranking_score_threshold: float
    show_ranking_score: bool
    show_ranking_score_details: bool
    highlight: Sequence[str] | Highlight
    crop: Sequence[str] | Crop
    retrieve: Sequence[str]
    search_on: Sequence[str]


def native(schema: Schema, per_query: PerQuery | None) -> dict[str, Any]:
    """The engine's parameters for a map of tuning; `attributesToRetrieve` always holds the document id.

    Raises:
        QueryError: a key is not on the list, or a value is not what its key takes.
    """
    found: dict[str, Any] = {"attributesToRetrieve": [schema.key]}
    if per_query is None:
        return found
    if not isinstance(per_query, Mapping):
        raise QueryError(f"{schema.name}: per_query= takes a dict, not {type(per_query).__name__}")
    for key, value in per_query.items():
        rule = RULES.get(key)
        if rule is None:
            raise QueryError(
                f"{schema.name}: per_query= does not take {key!r}{nearest(str(key), RULES)}; it takes"
                f" {', '.join(RULES)}; what else is Meilisearch's own is on search.meilisearch"
            )
        try:
            found |= rule(value)
        except (TypeError, ValueError) as exc:
            raise QueryError(f"{schema.name}: per_query[{key!r}] takes {exc}") from exc
    retrieved = found["attributesToRetrieve"]
    if schema.key not in retrieved and "*" not in retrieved:
        found["attributesToRetrieve"] = [schema.key, *retrieved]
    return found


def _threshold(value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return {"rankingScoreThreshold": value}


def _flag(parameter: str) -> Callable[[Any], dict[str, Any]]:
    def rule(value: Any) -> dict[str, Any]:
        if not isinstance(value, bool):
            raise TypeError("True or False")
        return {parameter: value}

    return rule


def _names(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of fields")
    return list(value)


def _fields(parameter: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {parameter: _names(value)}


def _highlight(value: Any) -> dict[str, Any]:
    details = _details(value, {"pre_tag": str, "post_tag": str})
    found: dict[str, Any] = {"attributesToHighlight": _names(details.pop("fields", ["*"]))}
    parameters = {"pre_tag": "highlightPreTag", "post_tag": "highlightPostTag"}
    return found | {parameters[key]: item for key, item in details.items()}


def _crop(value: Any) -> dict[str, Any]:
    details = _details(value, {"length": int, "marker": str})
    found: dict[str, Any] = {"attributesToCrop": _names(details.pop("fields", ["*"]))}
    parameters = {"length": "cropLength", "marker": "cropMarker"}
    return found | {parameters[key]: item for key, item in details.items()}


def _details(value: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {"fields": _names(value)}
    for key, item in value.items():
        kind = list if key == "fields" else kinds.get(key)
        if kind is None or isinstance(item, bool) or not isinstance(item, (list, tuple) if kind is list else kind):
            raise TypeError(f"a list of fields, or a dict of fields, {' and '.join(kinds)}")
        if isinstance(item, int) and item < 1:
            raise ValueError("a length of 1 or more")
    return dict(value)


RULES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "ranking_score_threshold": _threshold,
    "show_ranking_score": _flag("showRankingScore"),
    "show_ranking_score_details": _flag("showRankingScoreDetails"),
    "highlight": _highlight,
    "crop": _crop,
    "retrieve": _fields("attributesToRetrieve"),
    "search_on": _fields("attributesToSearchOn"),
}
