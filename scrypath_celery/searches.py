"""What a `Scrypath` offers of searching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.orm.interfaces import ORMOption
from typing_extensions import TypeVar

from .capture.result import ResultState, SyncResult
from .declaration.document import being_projected, default_document, project
from .declaration.schema import Schema
from .errors import ConfigError
from .hooks import Hooks

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

    from .searching.capabilities import Capabilities
    from .searching.entries import AnyEntry, Entry
    from .searching.facet_values import FacetOptions
    from .searching.many import ManyResult
    from .searching.query.options import SearchOptions, SharedOptions, TenantOptions
    from .searching.result import FacetValue, FederatedResult, SearchResult
    from .searching.scoped import ScopedSearch
    from .searching.tokens import SigningKey

T = TypeVar("T", default=Any)
A = TypeVar("A", default=Any)
B = TypeVar("B", default=Any)
C = TypeVar("C", default=Any)


class Searches(Hooks):
    """The searches of what is attached to a Celery app and a database."""

    def document(self, record: Any, schema: str | None = None) -> dict[str, Any]:
        """Show exactly what is sent for a record: the application's own projection applied, where there is one.

        `schema` is the name of the schema that is meant, where its class has several.

        Raises:
            SchemaError: its class has no such schema. ProjectionError: it is no document that the engine takes, or
                this was called from within the projection (start from `default_document` there).
        """
        return project(self._schema_of(record, schema), record)

    def default_document(self, record: Any, schema: str | None = None) -> dict[str, Any]:
        """Give the default projection of a record, its declared fields; a projection of your own may start from it.

        `schema` is the name of the schema that is meant, where its class has several; within a projection it is the
        one that is projected for.

        Raises:
            SchemaError: its class has no such schema. ProjectionError: a value has no JSON form.
        """
        return default_document(self._schema_of(record, schema), record)

    def _schema_of(self, record: Any, name: str | None) -> Schema:
        if name is not None:
            return self.schemas.of_record(record, name)[0]
        return being_projected(record) or self.schemas.of(record)

    def search(
        self,
        model: type[T] | str,
        q: str = "",
        *,
        session: Session | scoped_session[Any],
        after: SyncResult | None = None,
        after_seconds: float = 5.0,
        **wanted: Unpack[SearchOptions],
    ) -> SearchResult[T]:
        """Find one page of what the index holds, as records of `session`; see `SearchOptions` for what may be said.

        `model` is the class, or the name of the schema that is meant, where the class has several.

        With `after`, the result of a call that wrote, it first waits until that is searchable, at most
        `after_seconds`; `is_current` says whether it was.

        Raises:
            SchemaError: the class is not declared. QueryError: the search asks for what is not declared.
            TenantRequired: it does not say whose documents it means. IndexMissing: there is no index yet.
            KeyRefused, EngineUnreachable, EngineError: the engine refused the key, did not answer, or refused it.
            ConfigError: `after` is not what a call that wrote gave back.
        """
        from .searching.find import search

        if after is not None:
            _result(after).wait(after_seconds)
        found = search(self.runtime, model, q, session=session, **wanted)
        return replace(found, is_current=_is_visible(after))

    async def asearch(
        self,
        model: type[T] | str,
        q: str = "",
        *,
        session: AsyncSession | async_scoped_session[Any],
        after: SyncResult | None = None,
        after_seconds: float = 5.0,
        **wanted: Unpack[SearchOptions],
    ) -> SearchResult[T]:
        """Search as `search` does, for an AsyncSession."""
        from .searching.find import asearch

        if after is not None:
            await _result(after).wait(after_seconds)
        found = await asearch(self.runtime, model, q, session=session, **wanted)
        return replace(found, is_current=_is_visible(after))

    @overload
    def search_many(
        self,
        entries: tuple[Entry[A], Entry[B]],
        *,
        session: Session | scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[A | B]: ...

    @overload
    def search_many(
        self,
        entries: tuple[Entry[A], Entry[B], Entry[C]],
        *,
        session: Session | scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[A | B | C]: ...

    @overload
    def search_many(
        self,
        entries: Sequence[Entry[T]],
        *,
        session: Session | scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[T]: ...

    @overload
    def search_many(
        self,
        entries: Sequence[AnyEntry],
        *,
        session: Session | scoped_session[Any],
        federated: Literal[False] = False,
        **shared: Unpack[SharedOptions],
    ) -> ManyResult: ...

    def search_many(
        self,
        entries: Sequence[Any],
        *,
        session: Session | scoped_session[Any],
        federated: bool = False,
        **shared: Unpack[SharedOptions],
    ) -> ManyResult | FederatedResult[Any]:
        """Run several searches in one request: `[(Post, "words", {"filter": ...}), (Page, "words")]`.

        Options beside the entries are shared, those of an entry win. `federated=True` merges the hits into one ranked
        list; else each search has a result, or an error in `failures`. See `SharedOptions`.

        Raises:
            QueryError: an entry is not one, or there are more than `max_schemas`. What else as for `search`.
        """
        from .searching.federated import search_federated
        from .searching.many import search_many

        if federated:
            return search_federated(self.runtime, entries, session=session, **shared)
        return search_many(self.runtime, entries, session=session, **shared)

    @overload
    async def asearch_many(
        self,
        entries: tuple[Entry[A], Entry[B]],
        *,
        session: AsyncSession | async_scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[A | B]: ...

    @overload
    async def asearch_many(
        self,
        entries: tuple[Entry[A], Entry[B], Entry[C]],
        *,
        session: AsyncSession | async_scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[A | B | C]: ...

    @overload
    async def asearch_many(
        self,
        entries: Sequence[Entry[T]],
        *,
        session: AsyncSession | async_scoped_session[Any],
        federated: Literal[True],
        **shared: Unpack[SharedOptions],
    ) -> FederatedResult[T]: ...

    @overload
    async def asearch_many(
        self,
        entries: Sequence[AnyEntry],
        *,
        session: AsyncSession | async_scoped_session[Any],
        federated: Literal[False] = False,
        **shared: Unpack[SharedOptions],
    ) -> ManyResult: ...

    async def asearch_many(
        self,
        entries: Sequence[Any],
        *,
        session: AsyncSession | async_scoped_session[Any],
        federated: bool = False,
        **shared: Unpack[SharedOptions],
    ) -> ManyResult | FederatedResult[Any]:
        """Run several searches as `search_many` does, for an AsyncSession."""
        from .searching.federated import asearch_federated
        from .searching.many import asearch_many

        if federated:
            return await asearch_federated(self.runtime, entries, session=session, **shared)
        return await asearch_many(self.runtime, entries, session=session, **shared)

    def facet_values(
        self, model: Any, facet: str, prefix: str = "", **wanted: Unpack[FacetOptions]
    ) -> tuple[FacetValue, ...]:
        """Find values of a facet that begin with `prefix`, with their counts; see `searching.facet_values`."""
        from .searching.facet_values import facet_values

        return facet_values(self.runtime, model, facet, prefix, **wanted)

    def hydrate(
        self,
        model: type[T] | str,
        hits: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        session: Session | scoped_session[Any],
        options: Sequence[ORMOption] = (),
        **owner: Unpack[TenantOptions],
    ) -> SearchResult[T]:
        """Read the records of hits that Meilisearch's own client found, in their order; see `searching.hydrate`."""
        from .searching.hydrate import hydrate

        return hydrate(self.runtime, model, hits, session=session, options=options, **owner)

    def tenant_token(self, models: Any, tenant: Any, *, expires_at: datetime, **key: Unpack[SigningKey]) -> str:
        """Make a token with which a front end searches one tenant's documents alone; see `searching.tokens`."""
        from .searching.tokens import tenant_token

        return tenant_token(self.runtime, models, tenant, expires_at=expires_at, **key)

    def scoped(self, *, defaults: SearchOptions | None = None, fixed: SearchOptions | None = None) -> ScopedSearch:
        """Give searches that begin from `defaults` and keep to `fixed`, which no caller can override."""
        from .searching.scoped import ScopedSearch

        return ScopedSearch(lambda: self.runtime, defaults or {}, fixed or {})

    def capabilities(self, model: Any) -> Capabilities:
        """Say what is searchable, filterable, sortable and facetable in a class."""
        from .searching.capabilities import capabilities

        return capabilities(self.schemas.searched(model))


def _result(after: object) -> SyncResult:
    if not isinstance(after, SyncResult):
        raise ConfigError(f"after= takes what a call that wrote gave back, not a {type(after).__name__}")
    return after


def _is_visible(after: SyncResult | None) -> bool | None:
    return None if after is None else after.state is ResultState.COMPLETED
