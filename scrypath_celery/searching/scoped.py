"""Searches with options of their own: defaults that a caller may replace, and what no caller can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from sqlalchemy.orm import Session, scoped_session
from typing_extensions import TypeVar

from ..declaration.mapping import nearest
from ..errors import QueryError
from ..runtime import Runtime
from .entries import AnyEntry
from .facet_values import FacetOptions, facet_values
from .find import asearch, search
from .many import ManyResult, asearch_many, search_many
from .query.options import SearchOptions, SharedOptions
from .result import FacetValue, SearchResult

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T", default=Any)

FACETED = frozenset(FacetOptions.__optional_keys__)


class ScopedSearch:
    """Searches that begin from `defaults` and always keep to `fixed`; made by `Scrypath.scoped`.

    A caller's option replaces a default. What is fixed stays, whatever the caller says: its `filter` and
    `facet_filter` are joined with the caller's by AND, its other options win, and another tenant is refused.
    """

    def __init__(self, runtime: Callable[[], Runtime], defaults: SearchOptions, fixed: SearchOptions) -> None:
        for name in (*defaults, *fixed):
            if name not in SearchOptions.__optional_keys__:
                raise QueryError(f"a search has no option {name!r}{nearest(name, SearchOptions.__optional_keys__)}")
        self._runtime = runtime
        self._defaults, self._fixed = dict(defaults), dict(fixed)

    def scoped(self, *, defaults: SearchOptions | None = None, fixed: SearchOptions | None = None) -> ScopedSearch:
        """Keep to this scope and a further one within it."""
        inner = cast("SearchOptions", {**self._defaults, **(defaults or {})})
        both = cast("SearchOptions", self._kept(fixed or {}))
        return ScopedSearch(self._runtime, inner, both)

    def options(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The options of one search: the caller's over the defaults, and what is fixed over both.

        Raises:
            QueryError: the caller names another tenant than the fixed one, or all.
        """
        return self._kept({**self._defaults, **wanted})

    def search(
        self,
        model: type[T] | str,
        q: str = "",
        *,
        session: Session | scoped_session[Any],
        **wanted: Unpack[SearchOptions],
    ) -> SearchResult[T]:
        """Search as `Scrypath.search` does, within this scope."""
        return search(self._runtime(), model, q, session=session, **cast("SearchOptions", self.options(wanted)))

    async def asearch(
        self,
        model: type[T] | str,
        q: str = "",
        *,
        session: AsyncSession | async_scoped_session[Any],
        **wanted: Unpack[SearchOptions],
    ) -> SearchResult[T]:
        """Search as `Scrypath.asearch` does, within this scope."""
        return await asearch(self._runtime(), model, q, session=session, **cast("SearchOptions", self.options(wanted)))

    def search_many(
        self, entries: Sequence[AnyEntry], *, session: Session | scoped_session[Any], **shared: Unpack[SharedOptions]
    ) -> ManyResult:
        """Search several classes as `Scrypath.search_many` does, each within this scope."""
        ours, rest = self._entries(entries, shared)
        return search_many(self._runtime(), ours, session=session, **rest)

    async def asearch_many(
        self,
        entries: Sequence[AnyEntry],
        *,
        session: AsyncSession | async_scoped_session[Any],
        **shared: Unpack[SharedOptions],
    ) -> ManyResult:
        """Search several classes for an AsyncSession, each within this scope."""
        ours, rest = self._entries(entries, shared)
        return await asearch_many(self._runtime(), ours, session=session, **rest)

    def facet_values(
        self, model: Any, facet: str, prefix: str = "", **wanted: Unpack[FacetOptions]
    ) -> tuple[FacetValue, ...]:
        """Search among the values of a facet, within this scope."""
        kept = {name: value for name, value in self.options(wanted).items() if name in FACETED}
        return facet_values(self._runtime(), model, facet, prefix, **cast("FacetOptions", kept))

    def _entries(self, entries: Sequence[AnyEntry], shared: Mapping[str, Any]) -> tuple[list[AnyEntry], SharedOptions]:
        """The entries with the whole of their options, so that none can reach beyond the scope."""
        common = {name: value for name, value in shared.items() if name in SearchOptions.__optional_keys__}
        rest = {name: value for name, value in shared.items() if name not in SearchOptions.__optional_keys__}
        owners = {name: self._fixed[name] for name in ("tenant", "across_tenants") if name in self._fixed}
        ours: list[Any] = []
        for entry in entries:
            own = entry[2] if len(entry) == 3 else {}
            kept = self.options({**common, **own})
            # A tenant stays shared: of a schema without tenants it asks nothing.
            ours.append((entry[0], entry[1], {name: value for name, value in kept.items() if name not in owners}))
        return ours, cast("SharedOptions", {**rest, **owners})

    def _kept(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        fixed = self._fixed
        if fixed.get("tenant") is not None:
            asked = wanted.get("tenant")
            if wanted.get("across_tenants") or (asked is not None and asked != fixed["tenant"]):
                raise QueryError("the tenant is fixed here: leave tenant= and across_tenants= out")
        joined = {**wanted, **fixed}
        for name in ("filter", "facet_filter"):
            ours, theirs = fixed.get(name), wanted.get(name)
            if ours and theirs:
                joined[name] = _all(ours, theirs) if name == "filter" else _both(ours, theirs)
            elif theirs:
                joined[name] = theirs
        return joined


def _all(ours: Any, theirs: Any) -> dict[str, Any]:
    """Two filters, of which each holds as a whole."""
    return {"all": [ours, theirs]} if not isinstance(ours, list | tuple) else {"all": [{"all": ours}, theirs]}


def _both(fixed: Any, wanted: Any) -> dict[str, Any]:
    """Choices among facets, the fixed ones over the caller's."""
    for name in set(fixed) & set(wanted):
        if fixed[name] != wanted[name]:
            raise QueryError(f"the choice of {name!r} is fixed here: leave it out of facet_filter=")
    return {**wanted, **fixed}
