"""Several searches in one request, each with a result or an error of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, cast

from sqlalchemy.orm import Session, scoped_session
from typing_extensions import TypeVar

from .. import tracing
from ..declaration.schema import Schema
from ..errors import EngineError, EngineUnreachable, QueryError, ScrypathError, SourceError, TenantRequired
from ..runtime import Runtime
from .answer import UNREADABLE, Page, load, nothing, page, result, unintelligible
from .entries import AnyEntry, Asked, Together, expanded, together
from .failure import explained
from .find import ask, asynchronous, plain, with_counts
from .measured import measured
from .query.body import Query, query
from .query.filters import tenant_text
from .query.options import SearchOptions, SharedOptions
from .result import SearchResult

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T", default=Any)

Answers = list[Mapping[str, Any] | ScrypathError | None]
"""What came of each search: an answer, an error, or None where there is no index and that means nothing found."""


@dataclass(frozen=True, kw_only=True)
class SearchFailure:
    """One of several searches that gave no result: its place among the searches, its schema and why."""

    position: int
    schema: str
    error: ScrypathError

    @property
    def reason(self) -> str:
        """Why, in words."""
        return str(self.error)


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyResult:
    """What several searches found: `ordered` as they were asked for, without those that failed.

    `by_schema` has them by the schema's name, the last one where a schema was searched more than once.
    """

    ordered: tuple[SearchResult[Any], ...]
    by_schema: Mapping[str, SearchResult[Any]]
    failures: tuple[SearchFailure, ...]

    def of(self, model: type[T] | str) -> SearchResult[T]:
        """The result of the search of a class, or of the schema of this name.

        Raises:
            ScrypathError: that search failed; the error is the one in `failures`. QueryError: it was not asked for.
        """
        name = model if isinstance(model, str) else model.__name__
        for failure in self.failures:
            if failure.schema == name and name not in self.by_schema:
                raise failure.error
        if name not in self.by_schema:
            raise QueryError(f"{name} is not among the searches: {', '.join(self.by_schema)}")
        return cast("SearchResult[T]", self.by_schema[name])


@dataclass(frozen=True)
class Plan:
    """Several searches, ready to be sent; an entry that asks for what is not declared is its error."""

    asked: Sequence[Asked]
    queries: Sequence[Query | ScrypathError]
    whole: Together

    @property
    def schemas(self) -> tuple[str, ...]:
        """The names of the schemas that are searched."""
        return tuple(one.schema.name for one in self.asked)


@measured("many", several=True)
def search_many(
    runtime: Runtime,
    entries: Sequence[AnyEntry],
    *,
    session: Session | scoped_session[Any],
    **shared: Unpack[SharedOptions],
) -> ManyResult:
    """Search several classes with one request, and read the records of each class with one query.

    Raises:
        QueryError: an entry is not one, or there are more than `max_schemas`. TenantRequired: one does not say whose
            documents it means. EngineUnreachable: the engine did not answer. What else fails is in `failures`.
    """
    plan, bound = planned(runtime, entries, shared), plain(session)
    with tracing.span("search", schemas=plan.schemas) as span:
        found = finish_many(runtime, plan, ask_many(runtime, plan), bound)
        span.note(hits=sum(map(len, found.ordered)), failures=len(found.failures))
    return found


@measured("many", several=True)
async def asearch_many(
    runtime: Runtime,
    entries: Sequence[AnyEntry],
    *,
    session: AsyncSession | async_scoped_session[Any],
    **shared: Unpack[SharedOptions],
) -> ManyResult:
    """Search several classes for an AsyncSession; the engine is asked in a thread."""
    plan, owner = planned(runtime, entries, shared), asynchronous(session)
    with tracing.span("search", schemas=plan.schemas) as span:
        answers = await asyncio.to_thread(ask_many, runtime, plan)
        found: ManyResult = await owner.run_sync(lambda bound: finish_many(runtime, plan, answers, bound))
        span.note(hits=sum(map(len, found.ordered)), failures=len(found.failures))
    return found


def planned(runtime: Runtime, entries: Sequence[AnyEntry], shared: SharedOptions) -> Plan:
    """The searches in the engine's language; only what concerns all of them is raised."""
    asked = expanded(runtime.schemas, entries, shared)
    return Plan(asked, [_query(one) for one in asked], together(shared, federated=False))


def _query(one: Asked) -> Query | ScrypathError:
    try:
        return query(one.schema, one.q, **cast("SearchOptions", dict(one.options)))
    except TenantRequired:
        raise
    except QueryError as exc:
        return exc


def ask_many(runtime: Runtime, plan: Plan) -> Answers:
    """What came of each search, with one request where all of them can be answered."""
    queries = [one for one in plan.queries if isinstance(one, Query)]
    bodies = [
        {"indexUid": runtime.uid_of(one.schema), **body}
        for one in queries
        for body in (one.body, *(body for _, body in one.counts))
    ]
    if not bodies:
        return [one if isinstance(one, ScrypathError) else None for one in plan.queries]
    try:
        found = runtime.engine.multi_search({"queries": bodies}, seconds=plan.whole.engine_seconds)
    except EngineUnreachable:
        raise
    except EngineError as exc:
        if (exc.status or 0) >= 500:
            raise
        # The engine answers all or none: one by one, those that it can answer are answered.
        return [_alone(runtime, one) for one in plan.queries]
    try:
        results = iter(found["results"])
        parted = [[next(results) for _ in range(1 + len(one.counts))] for one in queries]
    except (*UNREADABLE, StopIteration) as exc:
        raise unintelligible(queries[0].schema.uid) from exc
    answers = iter(parted)
    return [one if isinstance(one, ScrypathError) else with_counts(one, next(answers)) for one in plan.queries]


def _alone(runtime: Runtime, one: Query | ScrypathError) -> Mapping[str, Any] | ScrypathError | None:
    if isinstance(one, ScrypathError):
        return one
    try:
        return ask(runtime, one)
    except EngineUnreachable:
        raise
    except EngineError as exc:
        return explained(runtime, one.schema, exc)


def finish_many(runtime: Runtime, plan: Plan, answers: Answers, session: Session) -> ManyResult:
    """The results, with the records of all of them read in `session`."""
    reading = Reading(runtime, session, plan.whole.records_seconds)
    pages: dict[int, Page] = {}
    for at, (one, answer) in enumerate(zip(plan.queries, answers, strict=True)):
        if isinstance(one, Query) and isinstance(answer, Mapping):
            try:
                pages[at] = page(one.schema, answer.get("hits"), one.scope)
            except EngineError as exc:
                answers[at] = exc
            else:
                reading.want(one, pages[at].ids)
    results: list[SearchResult[Any]] = []
    failures: list[SearchFailure] = []
    for at, (one, answer) in enumerate(zip(plan.queries, answers, strict=True)):
        try:
            results.append(_result(reading, one, answer, pages.get(at)))
        except ScrypathError as exc:
            failures.append(SearchFailure(position=at, schema=plan.asked[at].schema.name, error=exc))
    by_schema = {one.schema: one for one in results}
    return ManyResult(ordered=tuple(results), by_schema=by_schema, failures=tuple(failures))


def _result(reading: Reading, one: Query | ScrypathError, answer: Any, found: Page | None) -> SearchResult[Any]:
    if isinstance(one, ScrypathError):
        raise one
    if isinstance(answer, ScrypathError):
        raise answer
    if answer is None or found is None:
        return nothing(one)
    return result(one, answer, found, reading.records(one))


class Reading:
    """Reads the records of several searches: one query a class (and tenant), each id once.

    `seconds` is looked at between two classes; what is not read by then fails.
    """

    def __init__(self, runtime: Runtime, session: Session, seconds: float | None) -> None:
        self._runtime, self._session = runtime, session
        self._seconds, self._began = seconds, time.monotonic()
        self._wanted: dict[tuple[Schema, str | None], tuple[Query, dict[str, None], dict[Any, None]]] = {}
        self._read: dict[tuple[Schema, str | None], Mapping[str, Any]] = {}

    def want(self, one: Query, ids: Sequence[str]) -> None:
        """Note the ids that a search found, and the loader options that it asks for."""
        _, known, options = self._wanted.setdefault(_group(one), (one, {}, {}))
        known.update(dict.fromkeys(ids))
        options.update(dict.fromkeys(one.options))

    def records(self, one: Query) -> Mapping[str, Any]:
        """The records of all searches of the class of `one`, by id.

        Raises:
            SourceError: the time is over.
        """
        group = _group(one)
        if group not in self._read:
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                raise SourceError(f"the records of {one.schema.name} were not read within hydration_timeout")
            asked, ids, options = self._wanted[group]
            self._read[group] = load(self._runtime, one.schema, list(ids), asked.scope, self._session, list(options))
        return self._read[group]


def _group(one: Query) -> tuple[Schema, str | None]:
    return one.schema, tenant_text(one.schema, one.scope)
