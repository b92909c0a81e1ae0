"""Records for hits that an application got from Meilisearch itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.orm.interfaces import ORMOption
from typing_extensions import TypeVar

from ..errors import QueryError
from ..runtime import Runtime
from .answer import load, matched, page
from .find import plain
from .query.filters import Scope, tenant_condition
from .result import SearchResult

T = TypeVar("T", default=Any)


def hydrate(
    runtime: Runtime,
    model: type[T] | str,
    hits: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    session: Session | scoped_session[Any],
    options: Sequence[ORMOption] = (),
    tenant: Any = None,
    across_tenants: bool = False,
) -> SearchResult[T]:
    """Read the records of native hits in `session`, in their order, with one query.

    `hits` are those of any search of the class's index (similar documents, vectors, hybrid), or the whole answer with
    its `hits`. They must hold the document id, and the tenant field where there is one. `options` are loader options.

    Raises:
        QueryError: what is given holds no hits. TenantRequired: it is not said whose documents are meant.
    """
    schema = runtime.schemas.searched(model)
    bound, scope = plain(session), Scope(tenant=tenant, across_tenants=across_tenants)
    tenant_condition(schema, scope)
    answer: Mapping[str, Any] = hits if isinstance(hits, Mapping) else {"hits": hits}
    native = answer.get("hits")
    if not isinstance(native, list | tuple):
        raise QueryError(f"{schema.name}: hydrate takes hits, or an answer that holds them")
    lacking = [hit for hit in native if not isinstance(hit, Mapping) or schema.key not in hit]
    if lacking:
        raise QueryError(f"{schema.name}: a hit holds no {schema.key!r}: let the search retrieve it")
    found = page(schema, native, scope)
    there, missing = matched(schema, found, load(runtime, schema, found.ids, scope, bound, options))
    total = answer.get("totalHits", answer.get("estimatedTotalHits", len(native)))
    return SearchResult(
        schema=schema.name,
        hits=there,
        missing=missing,
        total=int(total),
        total_is_exact=False,
        offset=int(answer.get("offset", 0)),
        per_page=max(int(answer.get("limit", answer.get("hitsPerPage", len(native)))), 1),
        took_ms=int(answer.get("processingTimeMs", 0)),
    )
