"""Searching: the engine gives ids in order of relevance, the caller's session the records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack, cast

from sqlalchemy.orm import Session, scoped_session
from typing_extensions import TypeVar

from .. import tracing
from ..asynchronous import of_asyncio
from ..errors import EngineError, SessionError
from ..runtime import Runtime
from .answer import UNREADABLE, load, nothing, page, result, unintelligible
from .failure import explained, is_missing
from .measured import measured
from .query.body import Query, query
from .query.options import SearchOptions
from .result import SearchResult

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T", default=Any)


@measured("search")
def search(
    runtime: Runtime,
    model: type[T] | str,
    q: str = "",
    *,
    session: Session | scoped_session[Any],
    **wanted: Unpack[SearchOptions],
) -> SearchResult[T]:
    """Find one page of what the index holds, as records of `session`; what `wanted` may say is in `SearchOptions`.

    Raises:
        SchemaError: the class is not declared. QueryError: the search asks for what is not declared.
        TenantRequired: it does not say whose documents it means. IndexMissing: there is no index yet.
        KeyRefused, EngineUnreachable, EngineError: the engine refused the key, did not answer, or refused the search.
    """
    asked, bound = query(runtime.schemas.searched(model), q, **wanted), plain(session)
    with tracing.span("search", schema=asked.schema.name) as span:
        found = finish(runtime, asked, ask(runtime, asked), bound)
        span.note(hits=len(found), missing=len(found.missing))
    return found


@measured("search")
async def asearch(
    runtime: Runtime,
    model: type[T] | str,
    q: str = "",
    *,
    session: AsyncSession | async_scoped_session[Any],
    **wanted: Unpack[SearchOptions],
) -> SearchResult[T]:
    """Search for an AsyncSession; the engine is asked in a thread, so that the event loop goes on."""
    asked, owner = query(runtime.schemas.searched(model), q, **wanted), asynchronous(session)
    with tracing.span("search", schema=asked.schema.name) as span:
        answer = await asyncio.to_thread(ask, runtime, asked)
        found: SearchResult[T] = await owner.run_sync(lambda bound: finish(runtime, asked, answer, bound))
        span.note(hits=len(found), missing=len(found.missing))
    return found


def plain(session: Session | scoped_session[Any]) -> Session:
    """The session itself, where it is scoped to a thread or a request.

    Raises:
        SessionError: it is no Session.
    """
    bound = session() if isinstance(session, scoped_session) else session
    if not isinstance(bound, Session):
        raise SessionError(f"session= takes a Session, not {type(bound).__name__}; an AsyncSession goes to asearch")
    return bound


def asynchronous(session: AsyncSession | async_scoped_session[Any]) -> AsyncSession:
    """The AsyncSession itself, where it is scoped to a task or a request.

    Raises:
        SessionError: it is no AsyncSession.
    """
    bound = session() if isinstance(session, of_asyncio("async_scoped_session")) else session
    if not isinstance(bound, of_asyncio("AsyncSession")):
        raise SessionError(f"session= takes an AsyncSession, not {type(bound).__name__}; a Session goes to search")
    return cast("AsyncSession", bound)


def ask(runtime: Runtime, asked: Query) -> Mapping[str, Any] | None:
    """The engine's answer to a search; None where there is no index and that is to mean nothing found."""
    uid = runtime.uid_of(asked.schema)
    try:
        if not asked.counts:
            return runtime.engine.search(uid, asked.body)
        bodies = [asked.body, *(body for _, body in asked.counts)]
        answer = runtime.engine.multi_search({"queries": [{"indexUid": uid, **body} for body in bodies]})
    except EngineError as exc:
        if asked.empty_if_missing and is_missing(exc):
            return None
        raise explained(runtime, asked.schema, exc) from exc
    try:
        return with_counts(asked, answer["results"])
    except UNREADABLE as exc:
        raise unintelligible(asked.schema.uid) from exc


def with_counts(asked: Query, answers: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The first of several answers, with the facets that the others counted."""
    merged = dict(answers[0])
    for name in ("facetDistribution", "facetStats"):
        merged[name] = dict(merged.get(name) or {})
    for (facet, _), answer in zip(asked.counts, answers[1:], strict=True):
        merged["facetDistribution"][facet] = (answer.get("facetDistribution") or {}).get(facet, {})
        stats = (answer.get("facetStats") or {}).get(facet)
        if stats is not None:
            merged["facetStats"][facet] = stats
    return merged


def finish(runtime: Runtime, asked: Query, answer: Mapping[str, Any] | None, session: Session) -> SearchResult[Any]:
    """The result, with its records read in `session`."""
    if answer is None:
        return nothing(asked)
    try:
        hits = answer["hits"]
    except UNREADABLE as exc:
        raise unintelligible(asked.schema.uid) from exc
    found = page(asked.schema, hits, asked.scope)
    records = load(runtime, asked.schema, found.ids, asked.scope, session, asked.options)
    return result(asked, answer, found, records)
