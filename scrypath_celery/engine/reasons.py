"""What an error of the engine means: by exception type, then by the engine's `code`, then `type`, then status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import EngineError, EngineUnreachable
from ..work import EngineTask, Failure, ReasonClass

OWN_TASK = frozenset(
    {
        "invalid_document_id",
        "missing_document_id",
        "index_primary_key_no_candidate_found",
        "index_primary_key_multiple_candidates_found",
        "index_primary_key_already_exists",
    }
)
"""Codes of failed tasks that concern their own payload alone; with every other code the whole batch fails."""

TRANSIENT = frozenset({"vector_embedding_error", "index_not_found", "index_primary_key_already_exists"})
"""Codes of type `invalid_request` that are no verdict on a document."""


def refusal(exc: EngineError) -> Failure:
    """What an error of a request means. Only a `validation` is about what was sent; all else is about the engine."""
    text = str(exc)
    if isinstance(exc, EngineUnreachable):
        return Failure(reason_class=ReasonClass.TRANSPORT, reason=text, code=exc.code, retry_after=exc.retry_after)
    code = exc.engine_code
    if exc.engine_type == "auth" or exc.status in (401, 403):
        kind = ReasonClass.AUTH
    elif exc.status == 503:
        kind = ReasonClass.TRANSPORT
    elif exc.engine_type in ("system", "internal") or (exc.status or 0) >= 500:
        kind = ReasonClass.BACKEND_REJECTED
    elif exc.engine_type == "invalid_request" and code not in TRANSIENT:
        return Failure(reason_class=ReasonClass.VALIDATION, reason=text, code=code, permanent=True, by_engine=True)
    else:
        kind = ReasonClass.UNKNOWN
    return Failure(reason_class=kind, reason=text, code=code, retry_after=exc.retry_after)


def verdict(task: EngineTask) -> Failure:
    """What a failed or canceled task means, if it stands for its own payload alone."""
    return replace(_verdict(task), by_engine=True)


def _verdict(task: EngineTask) -> Failure:
    if task.status == "canceled":
        return Failure(
            reason_class=ReasonClass.BACKEND_REJECTED, reason="the engine's task was canceled", code="canceled"
        )
    error: Mapping[str, Any] = task.error or {}
    code, kind = error.get("code"), error.get("type")
    text = f"the engine's task {task.uid} failed with {code}"
    if kind == "auth":
        return Failure(reason_class=ReasonClass.AUTH, reason=text, code=code)
    if kind in ("system", "internal"):
        return Failure(reason_class=ReasonClass.BACKEND_REJECTED, reason=text, code=code)
    if kind == "invalid_request" and code not in TRANSIENT:
        return Failure(reason_class=ReasonClass.VALIDATION, reason=text, code=code, permanent=True)
    return Failure(reason_class=ReasonClass.UNKNOWN, reason=text, code=code)


def unreachable_for_all(task: EngineTask) -> bool:
    """Whether a failed task shows an engine that cannot work at all (disk full, out of files), not a bad payload."""
    return (task.error or {}).get("type") in ("system", "auth")
