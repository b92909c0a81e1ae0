"""Places on the globe: distances, boxes and polygons in latitude and longitude."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .store import Change

Point = tuple[float, float]
_EARTH = 6_371_000.0  # metres, as the engine's haversine has it


def distance(one: Point, other: Point) -> float:
    """Metres between two points over the globe."""
    lat1, lng1, lat2, lng2 = map(math.radians, (*one, *other))
    part = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(part)))


def in_box(point: Point, top_right: Point, bottom_left: Point) -> bool:
    """Whether a point lies in a box, which may cross the date line."""
    lat, lng = point
    (top, right), (bottom, left) = top_right, bottom_left
    across = left <= lng <= right if left <= right else lng >= left or lng <= right
    return bottom <= lat <= top and across


def in_polygon(point: Point, corners: Sequence[Point]) -> bool:
    """Whether a point lies in a polygon."""
    lat, lng = point
    inside = False
    for (lat1, lng1), (lat2, lng2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (lng1 > lng) != (lng2 > lng) and lat < (lat2 - lat1) * (lng - lng1) / (lng2 - lng1) + lat1:
            inside = not inside
    return inside


def point_of(document: dict[str, Any]) -> Point | None:
    """The place in `_geo` of a document; numbers may be written as texts."""
    geo = document.get("_geo")
    if not isinstance(geo, dict):
        return None
    try:
        return float(geo["lat"]), float(geo["lng"])
    except (KeyError, TypeError, ValueError):
        return None


def shape_of(document: dict[str, Any]) -> Point | None:
    """The place in `_geojson` of a document, if that is a point; other shapes are not understood."""
    shape = document.get("_geojson")
    if not isinstance(shape, dict) or shape.get("type") != "Point":
        return None
    try:
        lng, lat = shape["coordinates"]
        return float(lat), float(lng)
    except (KeyError, TypeError, ValueError):
        return None


class Places:
    """The places of all documents by slot."""

    def __init__(self) -> None:
        self._points: dict[int, Point] = {}

    def fill(self, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Take in all documents."""
        for slot, document in documents:
            self._set(slot, document)

    def change(self, changes: Iterable[Change]) -> None:
        """Follow changes of documents."""
        for one in changes:
            self._points.pop(one.slot, None)
            if one.after is not None:
                self._set(one.slot, one.after)

    def _set(self, slot: int, document: dict[str, Any]) -> None:
        point = point_of(document)
        if point is not None:
            self._points[slot] = point

    def items(self) -> Iterable[tuple[int, Point]]:
        """Every slot that has a place, with it."""
        return self._points.items()

    def get(self, slot: int) -> Point | None:
        """The place of a document."""
        return self._points.get(slot)
