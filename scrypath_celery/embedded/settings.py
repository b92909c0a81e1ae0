"""The settings of an index: defaults, and what a settings task makes of the stored ones."""

from __future__ import annotations

import copy
import unicodedata
from typing import Any

from ..setting_defaults import DEFAULTS
from .refusal import Refusal

KEYS = (
    *list(DEFAULTS)[:4],
    "foreignKeys",
    *list(DEFAULTS)[4:],
    "chat",
)
"""All keys of a settings object in the engine's order, with the two that belong to experimental features."""

RESET = {key: ["*"] if key in ("displayedAttributes", "searchableAttributes") else None for key in KEYS}
"""The details of a task that resets everything: the two attribute lists read as `["*"]` there, the rest as null."""


def defaults() -> dict[str, Any]:
    """The settings of a fresh index, as `GET /indexes/{uid}/settings` answers them."""
    return copy.deepcopy(dict(DEFAULTS))


def applied(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The settings after a task.

    `sent` holds the keys that the request named, validated; None resets a key, nested objects merge key by key, all
    else is replaced. Refusal where a value does not go with a stored one.
    """
    out = copy.deepcopy(stored)
    for key, value in sent.items():
        if key not in DEFAULTS:
            continue
        if value is None:
            out[key] = copy.deepcopy(DEFAULTS[key])
        elif key in ("typoTolerance", "faceting", "pagination"):
            out[key] = _merged(out[key], value, DEFAULTS[key])
        elif key == "embedders":
            out[key] = {name: one for name, one in {**out[key], **value}.items() if one is not None}
        else:
            out[key] = _stored(key, value)
    typos = out["typoTolerance"]
    sizes = typos["minWordSizeForTypos"]
    if sizes["oneTypo"] > sizes["twoTypos"]:
        raise Refusal(
            "invalid_settings_typo_tolerance",
            "`minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should be between `0` and `255`,"
            f" and `twoTypos` should be greater or equals to `oneTypo` but found `oneTypo: {sizes['oneTypo']}` and"
            f" twoTypos: {sizes['twoTypos']}`.",
        )
    typos["disableOnWords"] = sorted({folded(word) for word in typos["disableOnWords"]})
    by = out["faceting"]["sortFacetValuesBy"]
    out["faceting"]["sortFacetValuesBy"] = dict(sorted({"*": "alpha", **by}.items()))
    return out


def folded(word: str) -> str:
    """A word without case and diacritics: the form in which the engine compares words."""
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _merged(stored: dict[str, Any], sent: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    out = dict(stored)
    for key, value in sent.items():
        if value is None:
            out[key] = copy.deepcopy(default[key])
        elif key == "minWordSizeForTypos":
            out[key] = _merged(out[key], value, default[key])
        else:
            out[key] = value
    return out


def _stored(key: str, value: Any) -> Any:
    if key in ("displayedAttributes", "searchableAttributes"):
        return ["*"] if "*" in value else list(dict.fromkeys(value))
    if key == "stopWords":
        return sorted({unicodedata.normalize("NFKD", word) for word in value})
    if key == "synonyms":
        return dict(sorted(value.items()))
    return value
