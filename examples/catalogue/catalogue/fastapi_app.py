"""The catalogue as an API: a search, and suggestions for a facet."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException, Request

from scrypath_celery import SearchParams
from scrypath_celery.errors import EngineUnreachable

from .models import Book, Session, search

app = FastAPI()


@app.get("/books")
def books(request: Request) -> dict[str, Any]:
    """Books that fit, with the counts of their facets."""
    params = SearchParams.from_query(request.query_params, search.capabilities(Book))
    if not params.valid:
        raise HTTPException(422, dict(params.errors))
    try:
        with Session() as session:
            found = search.search(Book, params.q, session=session, facets=["genre", "author"], **params.options)
            titles = [book.title for book in found]
    except EngineUnreachable as exc:
        raise HTTPException(503, "the search is unavailable") from exc
    return {"books": titles, "facets": found.facets, "total": found.total, "page": found.page, "pages": found.pages}


@app.get("/authors")
def authors(prefix: str = "") -> list[dict[str, Any]]:
    """Authors whose names begin like this."""
    return [{"name": one.value, "books": one.count} for one in search.facet_values(Book, "author", prefix)]
