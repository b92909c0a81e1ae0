"""From method and path to a route."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from . import (
    documents,
    experimental,
    fields,
    indexes,
    keys,
    search,
    service,
    settings,
    tasks,
    webhooks,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *service.ROUTES,
    *indexes.ROUTES,
    *documents.ROUTES,
    *settings.ROUTES,
    *search.ROUTES,
    *tasks.ROUTES,
    *fields.ROUTES,
    *experimental.ROUTES,
    *keys.ROUTES,
    *webhooks.ROUTES,
)


class Table:
    """All routes, ready to be looked up. A path part that is fixed goes before one that is variable."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, dict[tuple[str, ...], dict[str, Route]]] = {}
        for route in sorted(routes, key=lambda one: "{" in one.path.rpartition("/")[2]):
            parts = tuple(route.path.split("/")[1:])
            self._by_length.setdefault(len(parts), {}).setdefault(parts, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """The route, the variable parts of the path, and whether the path is known at all."""
        if "//" in path or path.endswith("/"):
            path = "/" + "/".join(part for part in path.split("/") if part)
        parts = path.split("/")[1:]
        for pattern, methods in self._by_length.get(len(parts), {}).items():
            if all(one == part or (one[:1] == "{" and part) for one, part in zip(pattern, parts, strict=True)):
                places = {one[1:-1]: unquote(part) for one, part in zip(pattern, parts, strict=True) if one[:1] == "{"}
                return methods.get(method), places, True
        return None, {}, False
