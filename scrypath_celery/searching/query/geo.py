"""Places: circles and boxes for filters, and the order by distance."""

from __future__ import annotations

import math
from typing import Any

from ...declaration.schema import Schema
from ...errors import QueryError


def near(lat: float, lng: float, *, farthest_first: bool = False) -> str:
    """The order by distance from a point, for `sort=`; the schema declares `_geo` sortable.

    Raises:
        QueryError: it is no point: latitude -90 to 90, longitude -180 to 180, in degrees.
    """
    point = _point("sort", "near", (lat, lng))
    return f"_geoPoint({point}):{'desc' if farthest_first else 'asc'}"


def circle(schema: Schema, name: str, value: Any) -> list[str]:
    """Documents within some kilometres of a point: `(latitude, longitude, kilometres)`."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise QueryError(f"{schema.name}: within_km on {name!r} takes (latitude, longitude, kilometres)")
    point, distance = _point(schema.name, name, value[:2]), _degrees(schema.name, name, value[2], 50_000)
    if distance < 0:
        raise QueryError(f"{schema.name}: within_km on {name!r} takes a distance of 0 or more")
    return [f"_geoRadius({point}, {_plain(distance * 1_000)})"]


def box(schema: Schema, name: str, value: Any) -> list[str]:
    """Documents between two corners: `((north, east), (south, west))`."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise QueryError(f"{schema.name}: within_box on {name!r} takes ((north, east), (south, west))")
    corners = (_point(schema.name, name, corner) for corner in value)
    return [f"_geoBoundingBox({', '.join(f'[{corner}]' for corner in corners)})"]


def _point(where: str, name: str, value: Any) -> str:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise QueryError(f"{where}: {name!r} takes points as (latitude, longitude)")
    lat, lng = _degrees(where, name, value[0], 90), _degrees(where, name, value[1], 180)
    return f"{_plain(lat)}, {_plain(lng)}"


def _degrees(where: str, name: str, value: Any, limit: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > limit:
        raise QueryError(f"{where}: {name!r} takes numbers up to {limit}, not {str(value)[:40]!r}")
    return float(value)


def _plain(value: float) -> str:
    """A number without an exponent."""
    return f"{value:.10f}".rstrip("0").rstrip(".")
