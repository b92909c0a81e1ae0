"""A small shelf of books, and the searchable form of an index that holds it."""

from __future__ import annotations

import copy
from typing import Any

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import SearchIndex
from scrypath_celery.setting_defaults import DEFAULTS

BOOKS: list[dict[str, Any]] = [
    {
        "id": 1,
        "title": "The Lantern Maker",
        "about": "A maker of lanterns walks north.",
        "year": 1990,
        "tags": ["craft"],
    },
    {
        "id": 2,
        "title": "Winter Harvest",
        "about": "Apples under snow, and a lantern.",
        "year": 2005,
        "tags": ["farm", "snow"],
    },
    {"id": 3, "title": "Snowbound", "about": "Two weeks without a road.", "year": 2005, "tags": ["snow"]},
    {"id": 4, "title": "Crème brûlée and other stories", "about": "Kitchens at night.", "year": 2019, "tags": []},
    {
        "id": 5,
        "title": "A Handbook of Lighthouses",
        "about": "Towers, lamps and keepers.",
        "year": "2019",
        "tags": ["craft", "sea"],
    },
]


def settings(**changes: Any) -> dict[str, Any]:
    """The default settings with some of them changed; `typoTolerance` is merged key by key."""
    merged = copy.deepcopy(dict(DEFAULTS))
    for name, value in changes.items():
        merged[name] = {**merged[name], **value} if name in ("typoTolerance", "faceting") else value
    return merged


def index_of(documents: list[dict[str, Any]], *, uid: str = "books", **changes: Any) -> SearchIndex:
    """An index with these documents and settings."""
    index = SearchIndex(uid, settings(**changes), "id")
    index.put((str(document["id"]), document) for document in documents)
    return index


def shelf(**changes: Any) -> SearchIndex:
    """An index with the books; year, tags and place may be filtered and sorted by."""
    changes.setdefault("filterableAttributes", ["year", "tags"])
    changes.setdefault("sortableAttributes", ["year", "title"])
    return index_of(BOOKS, **changes)


def texts(*texts: str, **changes: Any) -> SearchIndex:
    """An index with one text a document, numbered from 1."""
    return index_of([{"id": place, "text": text} for place, text in enumerate(texts, 1)], **changes)


def ids(index: SearchIndex, q: str | None = None, **request: Any) -> list[int]:
    """The ids that a search finds, in their order."""
    body = request if q is None else {"q": q, **request}
    return [hit["id"] for hit in index.search(body)["hits"]]


def refusal(index: SearchIndex, body: Any) -> str:
    """The code with which a search is refused."""
    try:
        index.search(body)
    except Refusal as exc:
        return exc.code
    raise AssertionError(f"{body} was answered")
