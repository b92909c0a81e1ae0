"""Searching: the engine gives ids in order of relevance, the caller's session the records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.orm.interfaces import ORMOption

from ..declaration.schema import Schema
from ..errors import EngineError
from ..runtime import Runtime
from .query import Filter, Sort, body
from .result import SearchResult

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T")


class SearchOptions(TypedDict, total=False):
    """What a search may say beside its query; see `search`."""

    filter: Filter | None
    sort: Sort | None
    page: int
    per_page: int
    options: Sequence[ORMOption]


def search(
    runtime: Runtime,
    model: type[T],
    q: str = "",
    *,
    session: Session | scoped_session[Any],
    filter: Filter | None = None,
    sort: Sort | None = None,
    page: int = 1,
    per_page: int = 20,
    options: Sequence[ORMOption] = (),
) -> SearchResult[T]:
    """One page of what the index finds, as records of `session`; `options` are loader options for them.

    Raises:
        SchemaError: the class is not declared. QueryError: the search asks for what is not declared.
        EngineError: the engine refused it, or did not answer.
    """
    schema = runtime.schemas.of(model)
    query = body(schema, q, filter=filter, sort=sort, page=page, per_page=per_page)
    answer = runtime.engine.search(runtime.uid_of(schema), query)
    bound = session() if isinstance(session, scoped_session) else session
    return _result(runtime, schema, answer, query, bound, options)


async def asearch(
    runtime: Runtime,
    model: type[T],
    q: str = "",
    *,
    session: AsyncSession | async_scoped_session[Any],
    filter: Filter | None = None,
    sort: Sort | None = None,
    page: int = 1,
    per_page: int = 20,
    options: Sequence[ORMOption] = (),
) -> SearchResult[T]:
    """The same for an AsyncSession; the engine is asked in a thread, so that the event loop goes on."""
    schema = runtime.schemas.of(model)
    query = body(schema, q, filter=filter, sort=sort, page=page, per_page=per_page)
    answer = await asyncio.to_thread(runtime.engine.search, runtime.uid_of(schema), query)
    owner = session() if callable(session) else session
    found: SearchResult[T] = await owner.run_sync(lambda bound: _result(runtime, schema, answer, query, bound, options))
    return found


def _result(
    runtime: Runtime,
    schema: Schema,
    answer: Mapping[str, Any],
    query: Mapping[str, Any],
    session: Session,
    options: Sequence[ORMOption],
) -> SearchResult[Any]:
    try:
        ids = [str(hit[schema.key]) for hit in answer["hits"]]
        total = int(answer["totalHits"])
    except (KeyError, TypeError, ValueError) as exc:
        raise EngineError(f"the engine's answer to a search in {schema.uid} is not intelligible") from exc
    found = runtime.source.records(schema, ids, session, options)
    return SearchResult(
        records=tuple(found.values()),
        missing=tuple(id for id in ids if id not in found),
        total=total,
        page=cast("int", query["page"]),
        per_page=cast("int", query["hitsPerPage"]),
    )
