"""What a search may ask: the keys of its body with their types, defaults and codes of refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..locales import LOCALES
from ..refusal import Refusal

MISSING_HYBRID = "missing_search_hybrid"
STRATEGIES = ("last", "all", "frequency")
_UPPER = re.compile(r"(?<!^)(?=[A-Z])")


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _locales(value: Any) -> bool:
    return _names(value) and all(one in LOCALES for one in value)


def _anything(value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what fits it, how that is called, and whether null stands for absence."""

    fits: Callable[[Any], bool]
    called: str
    nullable: bool = True
    code: str = ""


_COUNT, _FLAG, _TEXTS = "a positive integer", "a boolean", "an array of strings"
_SHARE = "a float between `0.0` and `1.0`"

KEYS: dict[str, Key] = {
    "q": Key(_text, "a string"),
    "vector": Key(_numbers, "an array of numbers"),
    "media": Key(_anything, "a value"),
    "hybrid": Key(_object, "an object", code="invalid_search_hybrid_query"),
    "offset": Key(_count, _COUNT, nullable=False),
    "limit": Key(_count, _COUNT, nullable=False),
    "page": Key(_count, _COUNT),
    "hitsPerPage": Key(_count, _COUNT),
    "attributesToRetrieve": Key(_names, _TEXTS),
    "retrieveVectors": Key(_flag, _FLAG, nullable=False),
    "attributesToCrop": Key(_names, _TEXTS),
    "cropLength": Key(_count, _COUNT, nullable=False),
    "attributesToHighlight": Key(_names, _TEXTS),
    "showMatchesPosition": Key(_flag, _FLAG, nullable=False),
    "showRankingScore": Key(_flag, _FLAG, nullable=False),
    "showRankingScoreDetails": Key(_flag, _FLAG, nullable=False),
    "showPerformanceDetails": Key(_flag, _FLAG),
    "filter": Key(_anything, "a filter"),
    "sort": Key(_names, _TEXTS),
    "distinct": Key(_text, "a string"),
    "facets": Key(_names, _TEXTS),
    "highlightPreTag": Key(_text, "a string", nullable=False),
    "highlightPostTag": Key(_text, "a string", nullable=False),
    "cropMarker": Key(_text, "a string", nullable=False),
    "matchingStrategy": Key(lambda value: value in STRATEGIES, "one of `last`, `all`, `frequency`", nullable=False),
    "attributesToSearchOn": Key(_names, _TEXTS),
    "rankingScoreThreshold": Key(_share, _SHARE),
    "locales": Key(_locales, "an array of codes of languages"),
    "personalize": Key(_object, "an object"),
    "useNetwork": Key(_flag, _FLAG),
}
# Experimental or paid features of the engine that stand apart from an index's own search.
_GATED = {"media": "multimodal", "personalize": "personalization", "useNetwork": "network"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A search that was understood; the names are those of the request's keys in snake case."""

    q: str | None = None
    offset: int = 0
    limit: int = 20
    page: int | None = None
    hits_per_page: int | None = None
    attributes_to_retrieve: list[str] | None = None
    attributes_to_crop: list[str] | None = None
    crop_length: int = 10
    attributes_to_highlight: list[str] | None = None
    show_matches_position: bool = False
    show_ranking_score: bool = False
    show_ranking_score_details: bool = False
    show_performance_details: bool | None = None
    filter: Any = None
    sort: list[str] | None = None
    distinct: str | None = None
    facets: list[str] | None = None
    highlight_pre_tag: str = "<em>"
    highlight_post_tag: str = "</em>"
    crop_marker: str = "…"
    matching_strategy: str = "last"
    attributes_to_search_on: list[str] | None = None
    ranking_score_threshold: float | None = None
    locales: list[str] | None = None

    @property
    def paged(self) -> bool:
        """Whether pages with exact totals are asked for instead of an offset."""
        return self.page is not None or self.hits_per_page is not None


_KNOWN = frozenset(one.name for one in fields(Request))


def snake(name: str) -> str:
    """`hitsPerPage` as `hits_per_page`."""
    return _UPPER.sub("_", name).lower()


def code_of(key: str) -> str:
    """The code with which a wrong value of this key is refused."""
    known = KEYS.get(key)
    return known.code if known and known.code else f"invalid_search_{snake(key)}"


def understood(body: Any, *, at: str = "", ignore: bool = False) -> Request:
    """The search that a body asks for. `at` is where it stands in a larger body; `ignore` skips unknown keys.

    Refusal `bad_request` for what is no object or has an unknown key, `invalid_search_*` for a value that does not fit.
    """
    if not isinstance(body, dict):
        raise Refusal("bad_request", f"Invalid value type{_at(at)}: expected an object, but found {_found(body)}")
    values: dict[str, Any] = {}
    for name, value in body.items():  # in the order of the body: the first that is wrong is told
        if name in KEYS:
            values[name] = _checked(name, value, at)
        elif not ignore:
            expected = ", ".join(f"`{one}`" for one in KEYS)
            raise Refusal(
                "bad_request", f"Unknown field `{name}`{f' inside `{at}`' if at else ''}: expected one of {expected}"
            )
    kept = {name: value for name, value in values.items() if value is not None}
    _check_apart(kept)
    return Request(**{snake(name): value for name, value in kept.items() if snake(name) in _KNOWN})


def _checked(name: str, value: Any, at: str) -> Any:
    key = KEYS[name]
    if value is None and key.nullable:
        return None
    if not key.fits(value):
        raise Refusal(
            code_of(name), f"Invalid value type at `{at}.{name}`: expected {key.called}, but found {_found(value)}"
        )
    if name == "hybrid":
        _check_hybrid(value)
    return value


def _check_hybrid(hybrid: dict[str, Any]) -> None:
    embedder = hybrid.get("embedder")
    if set(hybrid) - {"embedder", "semanticRatio"} or "embedder" not in hybrid:
        raise Refusal("invalid_search_hybrid_query", "Missing field `embedder` inside `.hybrid`")
    if not isinstance(embedder, str):
        raise Refusal(
            "invalid_search_embedder",
            f"Invalid value type at `.hybrid.embedder`: expected a string, but found {_found(embedder)}",
        )
    if not _share(hybrid.get("semanticRatio", 0.5)):
        raise Refusal(
            "invalid_search_semantic_ratio",
            "Invalid value at `.hybrid.semanticRatio`: the value of `semanticRatio`"
            " is invalid, expected a float between `0.0` and `1.0`.",
        )


def _check_apart(values: dict[str, Any]) -> None:
    """Refuse what an index without embedders and an instance without experimental features refuse."""
    for name, feature in _GATED.items():
        if values.get(name) not in (None, False):
            raise Refusal(
                "feature_not_enabled",
                f"Passing `{name}` as a query parameter requires enabling the `{feature}` experimental feature.",
            )
    hybrid = values.get("hybrid")
    if hybrid is not None:
        raise Refusal("invalid_search_embedder", f"Cannot find embedder with name `{hybrid['embedder']}`.")
    if "vector" in values:
        raise Refusal(
            MISSING_HYBRID, "Invalid request: missing `hybrid` parameter when `vector` or `media` are present."
        )


def _at(at: str) -> str:
    return f" at `{at}`" if at else ""


def _found(value: Any) -> str:
    kinds = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "an array",
        dict: "an object",
    }
    if value is None:
        return "null"
    return f"{kinds.get(type(value), 'a value')}: `{json.dumps(value, ensure_ascii=False)}`"


_GET_HYBRID = {"hybridEmbedder": "embedder", "hybridSemanticRatio": "semanticRatio"}
_GET_ONLY = {*_GET_HYBRID, "personalizeUserContext"}
_NOT_GET = {"hybrid", "media", "personalize"}


def request_of(query: Mapping[str, str]) -> dict[str, Any]:
    """The body that a query string of `GET /indexes/{uid}/search` stands for; Refusal for what is unknown or wrong."""
    body: dict[str, Any] = {}
    hybrid: dict[str, Any] = {}
    for name, text in query.items():
        if name in _GET_HYBRID:
            hybrid[_GET_HYBRID[name]] = (
                _number(name, text, "invalid_search_semantic_ratio") if "Ratio" in name else text
            )
        elif name == "personalizeUserContext":
            body["personalize"] = {"userContext": text}
        elif name in KEYS and name not in _NOT_GET:
            body[name] = _parsed(name, text)
        else:
            expected = ", ".join(f"`{one}`" for one in (*KEYS, *_GET_ONLY) if one not in _NOT_GET)
            raise Refusal("bad_request", f"Unknown parameter `{name}`: expected one of {expected}")
    if hybrid:
        body["hybrid"] = hybrid
    return body


def _parsed(name: str, text: str) -> Any:
    fits = KEYS[name].fits
    if fits is _count:
        if not text.isascii() or not text.isdigit():
            raise _unparsed(name, text, "a positive integer", code_of(name))
        return int(text)
    if fits is _flag:
        if text not in ("true", "false"):
            raise _unparsed(name, text, "a boolean, expected either `true` or `false`", code_of(name))
        return text == "true"
    if fits is _share:
        return _number(name, text, code_of(name))
    if fits is _numbers:
        return [_number(name, one, code_of(name)) for one in text.split(",")]
    if name == "sort":
        return sort_of(text)
    if fits in (_names, _locales):
        return text.split(",") if text else []
    return _filter_of(text) if name == "filter" else text


def _number(name: str, text: str, code: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _unparsed(name, text, "a number", code) from None


def _unparsed(name: str, text: str, kind: str, code: str) -> Refusal:
    return Refusal(code, f"Invalid value in parameter `{name}`: could not parse `{text}` as {kind}")


def _filter_of(text: str) -> Any:
    """A filter of a query string: JSON if it is JSON, else the filter itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def sort_of(text: str) -> list[str]:
    """The elements of a sort of a query string: commas inside `_geoPoint(...)` do not part them."""
    parts: list[str] = []
    for one in text.split(","):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f",{one}"
        else:
            parts.append(one)
    return [one.strip() for one in parts]
