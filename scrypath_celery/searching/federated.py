"""Several searches merged into one ranked list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, cast

from sqlalchemy.orm import Session, scoped_session
from typing_extensions import TypeVar

from .. import tracing
from ..errors import EngineError, QueryError
from ..runtime import Runtime
from .answer import UNREADABLE, matched, page, unintelligible
from .entries import NOT_MERGED, Entry, Together, expanded, together
from .failure import explained, is_missing
from .find import asynchronous, plain
from .many import Reading
from .measured import measured
from .query.body import Query, query
from .query.options import SearchOptions, SharedOptions
from .result import FederatedResult, Hit

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T", default=Any)

PAGING = ("page", "hitsPerPage", "offset", "limit")


@dataclass(frozen=True)
class Merger:
    """Searches that are merged, each with its weight, and the part of the list that is asked for."""

    queries: Sequence[tuple[Query, float]]
    whole: Together

    @property
    def schemas(self) -> tuple[str, ...]:
        """The names of the schemas that are searched."""
        return tuple(one.schema.name for one, _ in self.queries)


@measured("federated", several=True)
def search_federated(
    runtime: Runtime,
    entries: Sequence[Entry[T]],
    *,
    session: Session | scoped_session[Any],
    **shared: Unpack[SharedOptions],
) -> FederatedResult[T]:
    """Merge the hits of several classes into one list by their weighted scores; records are read by class.

    Raises:
        QueryError: an entry is not one, asks for what is not declared, or for pages or facets of its own.
        TenantRequired: one does not say whose documents it means. IndexMissing: an index is not there.
        EngineUnreachable, EngineError: the engine did not answer, or refused a search.
    """
    merger, bound = merged(runtime, entries, shared), plain(session)
    with tracing.span("search", schemas=merger.schemas) as span:
        found: FederatedResult[T] = finish_merged(runtime, *ask_merged(runtime, merger), merger.whole, bound)
        span.note(hits=len(found), missing=len(found.missing))
    return found


@measured("federated", several=True)
async def asearch_federated(
    runtime: Runtime,
    entries: Sequence[Entry[T]],
    *,
    session: AsyncSession | async_scoped_session[Any],
    **shared: Unpack[SharedOptions],
) -> FederatedResult[T]:
    """Merge the hits of several classes for an AsyncSession; the engine is asked in a thread."""
    merger, owner = merged(runtime, entries, shared), asynchronous(session)
    with tracing.span("search", schemas=merger.schemas) as span:
        queries, answer = await asyncio.to_thread(ask_merged, runtime, merger)
        found: FederatedResult[T] = await owner.run_sync(
            lambda bound: finish_merged(runtime, queries, answer, merger.whole, bound)
        )
        span.note(hits=len(found), missing=len(found.missing))
    return found


def merged(runtime: Runtime, entries: Sequence[Entry[Any]], shared: SharedOptions) -> Merger:
    """The searches in the engine's language."""
    queries: list[tuple[Query, float]] = []
    for one in expanded(runtime.schemas, entries, shared):
        refused = [name for name in NOT_MERGED if one.options.get(name) is not None]
        if refused:
            raise QueryError(
                f"{one.schema.name}: a merged list has no {refused[0]}= of its entries: its part is picked by"
                " federation_limit and federation_offset, and facets are never merged"
            )
        queries.append((query(one.schema, one.q, **cast("SearchOptions", dict(one.options))), one.weight))
    return Merger(queries, together(shared, federated=True))


def ask_merged(runtime: Runtime, merger: Merger) -> tuple[list[Query], Mapping[str, Any]]:
    """The searches that were answered, and the engine's one answer to them."""
    asked = list(merger.queries)
    try:
        return _ask(runtime, asked, merger.whole)
    except EngineError as exc:
        if not is_missing(exc):
            raise
        there = [pair for pair in asked if runtime.engine.index(runtime.uid_of(pair[0].schema)) is not None]
        for one, _ in asked:
            if not one.empty_if_missing and one not in [pair[0] for pair in there]:
                raise explained(runtime, one.schema, exc) from exc
    return _ask(runtime, there, merger.whole)


def _ask(
    runtime: Runtime, pairs: Sequence[tuple[Query, float]], whole: Together
) -> tuple[list[Query], Mapping[str, Any]]:
    if not pairs:
        return [], {"hits": [], "estimatedTotalHits": 0}
    bodies = []
    for one, weight in pairs:
        body = {name: value for name, value in one.body.items() if name not in PAGING}
        uid = runtime.uid_of(one.schema)
        bodies.append({"indexUid": uid, **body, "federationOptions": {"weight": weight}})
    federation = {"limit": whole.limit, "offset": whole.offset}
    request = {"queries": bodies, "federation": federation}
    return [one for one, _ in pairs], runtime.engine.multi_search(request, seconds=whole.engine_seconds)


def finish_merged(
    runtime: Runtime, queries: Sequence[Query], answer: Mapping[str, Any], whole: Together, session: Session
) -> FederatedResult[Any]:
    """The merged list, with its records read in `session`."""
    reading = Reading(runtime, session, whole.records_seconds)
    hits: list[Hit[Any]] = []
    missing: list[tuple[str, str]] = []
    try:
        placed = [(queries[hit["_federation"]["queriesPosition"]], hit) for hit in answer["hits"]]
        total, took = int(answer["estimatedTotalHits"]), int(answer.get("processingTimeMs", 0))
    except (*UNREADABLE, IndexError) as exc:
        raise unintelligible("several indexes") from exc
    pages = [(one, page(one.schema, [hit], one.scope)) for one, hit in placed]
    for one, found in pages:
        reading.want(one, found.ids)
    for one, found in pages:
        there, gone = matched(one.schema, found, reading.records(one))
        hits += there
        missing += [(one.schema.name, id) for id in gone]
    return FederatedResult(
        hits=tuple(hits),
        missing=tuple(missing),
        total=total,
        offset=whole.offset,
        limit=whole.limit,
        took_ms=took,
    )
