"""The engine's answers, and the records that their hits stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from ..declaration.document_ids import id_text
from ..declaration.schema import Schema
from ..errors import EngineError, ProjectionError
from ..runtime import Runtime
from .measured import count_hits
from .query.body import Query
from .query.filters import Scope, tenant_text
from .result import FacetStats, Hit, SearchResult

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an answer raises that is not what the engine answers."""


def unintelligible(uid: str) -> EngineError:
    """The error of an answer that cannot be read."""
    return EngineError(f"the engine's answer to a search in {uid} is not intelligible")


@dataclass(frozen=True)
class Page:
    """The hits of one search as the engine gave them, without those of other tenants.

    The engine compares text without regard to case and accents, so two tenants may be one to it; not to us.
    """

    hits: Sequence[Mapping[str, Any]]
    ids: Sequence[str]
    complete: bool


def page(schema: Schema, hits: Any, scope: Scope) -> Page:
    """The hits of a search.

    Raises:
        EngineError: they are not what the engine answers.
    """
    tenant = tenant_text(schema, scope)
    try:
        ours = list(hits)
        if tenant is not None:
            # A field that the index does not display cannot be looked at here; the record's own is, once it is read.
            ours = [hit for hit in ours if str(hit.get(schema.tenant_field, tenant)) == tenant]
        return Page(ours, [str(hit[schema.key]) for hit in ours], len(ours) == len(hits))
    except UNREADABLE as exc:
        raise unintelligible(schema.uid) from exc


def result(query: Query, answer: Mapping[str, Any], found: Page, records: Mapping[str, Any]) -> SearchResult[Any]:
    """The result of a search whose records were read.

    Raises:
        EngineError: the answer is not what the engine answers.
    """
    try:
        exact = "totalHits" in answer
        total = int(answer["totalHits"] if exact else answer["estimatedTotalHits"])
        hits, missing = matched(query.schema, found, records)
        return SearchResult(
            schema=query.schema.name,
            hits=hits,
            missing=missing,
            total=total,
            total_is_exact=exact and found.complete and total != query.cap,
            offset=query.offset,
            per_page=query.per_page,
            facets=answer.get("facetDistribution") or {},
            facet_stats=_stats(answer.get("facetStats") or {}),
            took_ms=int(answer.get("processingTimeMs", 0)),
        )
    except UNREADABLE as exc:
        raise unintelligible(query.schema.uid) from exc


def nothing(query: Query) -> SearchResult[Any]:
    """The result of a search in an index that is not there yet."""
    return SearchResult(
        schema=query.schema.name,
        hits=(),
        missing=(),
        total=0,
        total_is_exact=True,
        offset=query.offset,
        per_page=query.per_page,
    )


def matched(schema: Schema, found: Page, records: Mapping[str, Any]) -> tuple[tuple[Hit[Any], ...], tuple[str, ...]]:
    """The hits that have a record, and the ids of those that have none."""
    pairs = list(zip(found.ids, found.hits, strict=True))
    hits = tuple(
        Hit(record=records[id], id=id, schema=schema.name, native=native) for id, native in pairs if id in records
    )
    return hits, tuple(id for id in found.ids if id not in records)


def load(
    runtime: Runtime,
    schema: Schema,
    ids: Sequence[str],
    scope: Scope,
    session: Session,
    options: Sequence[ORMOption] = (),
) -> dict[str, Any]:
    """The records of these ids in the caller's session, by id, with one query; none of another tenant."""
    wanted = list(dict.fromkeys(ids))
    records = runtime.source.records(schema, wanted, session, options)
    tenant = tenant_text(schema, scope)
    if tenant is not None:
        records = {id: one for id, one in records.items() if _text(getattr(one, schema.tenant_field or "")) == tenant}
    count_hits(runtime, schema.uid, found=len(records), missing=len(wanted) - len(records))
    return records


def _text(value: Any) -> str | None:
    try:
        return id_text(value)
    except ProjectionError:
        return None


def _stats(found: Mapping[str, Any]) -> dict[str, FacetStats]:
    return {name: FacetStats(min=float(one["min"]), max=float(one["max"])) for name, one in found.items()}
