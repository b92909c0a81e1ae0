"""The `_geo` field of documents: whether an index looks at it, and what it has to be."""

from __future__ import annotations

import json
import math
from typing import Any

from .refusal import Refusal


def is_geo(settings: dict[str, Any]) -> bool:
    """Whether the index filters or sorts by `_geo`; only then its documents' `_geo` is looked at."""
    if "_geo" in settings["sortableAttributes"]:
        return True
    return any(
        one == "_geo" if isinstance(one, str) else "_geo" in one["attributePatterns"]
        for one in settings["filterableAttributes"]
    )


def check_geo(identity: str, value: Any, prefix: str) -> None:
    """Refuse a `_geo` that is neither null nor a point of two numbers, with `invalid_document_geo_field`."""
    if value is None:
        return
    head = f"{prefix}The `_geo` field in the document with the id: `{json.dumps(identity)}`"
    if not isinstance(value, dict):
        raise Refusal(
            "invalid_document_geo_field",
            f"{head} is not an object. Was expecting an object with the `_geo.lat` and `_geo.lng` fields but instead"
            f" got `{json.dumps(value, ensure_ascii=False)}`.",
        )
    for part, word in (("lat", "latitude"), ("lng", "longitude")):
        if not _is_number(value.get(part)):
            raise Refusal(
                "invalid_document_geo_field",
                f"{prefix}Could not find or parse {word} in the document with the id: `{json.dumps(identity)}`. Was"
                f" expecting a finite number in the `_geo.{part}` field.",
            )
    if value.keys() - {"lat", "lng"}:
        raise Refusal("invalid_document_geo_field", f"{head} contains unexpected fields.")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int | float | str):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    return False
