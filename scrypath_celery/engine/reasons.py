"""What an error of the engine means: by exception type, then by the engine's `code`, then `type`, then status.

Everything is decided here: what the fault concerns, its reason class, and whether it is permanent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import EngineError, EngineTooOld, EngineUnreachable, UnexpectedAnswer
from ..work import EngineTask, Failure, ReasonClass, Scope

OWN_TASK = frozenset({"invalid_document_id", "missing_document_id"})
"""Codes of failed tasks that concern their own payload alone; with every other code the whole batch fails."""

WRONG_KEY = frozenset(
    {
        "index_primary_key_no_candidate_found",
        "index_primary_key_multiple_candidates_found",
        "index_primary_key_already_exists",
    }
)
"""Codes of failed tasks that show an index with another primary key than the one that documents are sent with."""

PAYLOAD_REFUSED = frozenset({"malformed_payload", "payload_too_large"})
"""Codes of refused requests that concern the documents in them; every other one concerns how we ask."""

TRANSIENT = frozenset({"vector_embedding_error"})
"""Codes of type `invalid_request` that are no verdict on a document."""

DOCUMENT_TASKS = frozenset({"documentAdditionOrUpdate", "documentDeletion"})
"""Types of the tasks that documents are sent with."""


def request_failure(exc: EngineError) -> Failure:
    """What the error of a request means."""
    text, code = str(exc), exc.engine_code or exc.code
    if isinstance(exc, EngineUnreachable):
        scope = Scope.PAYLOAD if exc.broken else Scope.ENGINE
        return _refused(scope, ReasonClass.TRANSPORT, text, exc.code, retry_after=exc.retry_after)
    if isinstance(exc, EngineTooOld):
        return _refused(Scope.ENGINE, ReasonClass.BACKEND_REJECTED, text, exc.code, permanent=True)
    if exc.status == 413 or (exc.engine_type == "invalid_request" and _is_about_documents(code)):
        code = exc.engine_code or "payload_too_large"
        return _refused(Scope.PAYLOAD, ReasonClass.VALIDATION, text, code, permanent=True)
    if exc.engine_type == "auth" or exc.status in (401, 403):
        return _refused(Scope.ENGINE, ReasonClass.AUTH, text, code, retry_after=exc.retry_after)
    if code == "index_not_found":
        return _refused(Scope.INDEX, ReasonClass.UNKNOWN, text, code)
    if exc.engine_type == "invalid_request":
        about_index = code.startswith(("invalid_settings", "invalid_index"))
        if about_index:
            return _refused(Scope.INDEX, ReasonClass.VALIDATION, text, code, permanent=True)
        return _refused(Scope.ENGINE, ReasonClass.BACKEND_REJECTED, text, code, permanent=True)
    unknown = exc.engine_type is None and (exc.status or 0) < 500
    kind = ReasonClass.UNKNOWN if unknown else ReasonClass.BACKEND_REJECTED
    if exc.status == 503:
        kind = ReasonClass.TRANSPORT
    return _refused(Scope.ENGINE, kind, text, code, retry_after=exc.retry_after)


def is_lasting(exc: EngineError) -> bool:
    """Whether the error of a request shows something that does not pass by itself: a key, a proxy, an old engine."""
    failure = request_failure(exc)
    return failure.permanent or failure.reason_class is ReasonClass.AUTH or isinstance(exc, UnexpectedAnswer)


def task_failure(task: EngineTask) -> Failure:
    """What a failed or canceled task means, if it stands for its own payload alone."""
    return replace(_task_failure(task), by_engine=True)


def proves_alone(task: EngineTask) -> bool:
    """Whether a failed task proves something of its own documents, whatever else stood in its batch."""
    return (task.error or {}).get("code") in OWN_TASK


def _task_failure(task: EngineTask) -> Failure:
    if task.status == "canceled":
        text = f"the engine's task {task.uid} was canceled"
        return Failure(reason_class=ReasonClass.BACKEND_REJECTED, reason=text, code="canceled")
    error: Mapping[str, Any] = task.error or {}
    code, kind = str(error.get("code")), error.get("type")
    text = f"the engine's task {task.uid} failed with {code}"
    if kind in ("system", "auth"):
        reason_class = ReasonClass.AUTH if kind == "auth" else ReasonClass.BACKEND_REJECTED
        return Failure(scope=Scope.ENGINE, reason_class=reason_class, reason=text, code=code)
    if task.type not in DOCUMENT_TASKS:
        # Such a task holds no documents, so that the engine's own words can be repeated.
        text = f"{text}: {error.get('message')}" if error.get("message") else text
        scope = Scope.ENGINE if kind == "internal" else Scope.INDEX
        reason_class = ReasonClass.BACKEND_REJECTED if kind == "internal" else ReasonClass.VALIDATION
        return Failure(scope=scope, reason_class=reason_class, reason=text, code=code, permanent=scope is Scope.INDEX)
    if code in WRONG_KEY:
        text = f"{text}: the index has another primary key than the schema: reindex it"
        return Failure(scope=Scope.INDEX, reason_class=ReasonClass.VALIDATION, reason=text, code="primary_key_differs")
    if code == "index_not_found":
        text = f"{text}: the index is not there, and the key may not create it (right `indexes.create`)"
        return Failure(scope=Scope.INDEX, reason_class=ReasonClass.AUTH, reason=text, code=code)
    if kind == "internal":
        return Failure(scope=Scope.PAYLOAD, reason_class=ReasonClass.BACKEND_REJECTED, reason=text, code=code)
    if kind == "invalid_request" and code not in TRANSIENT:
        return Failure(scope=Scope.PAYLOAD, reason_class=ReasonClass.VALIDATION, reason=text, code=code, permanent=True)
    return Failure(scope=Scope.PAYLOAD, reason_class=ReasonClass.UNKNOWN, reason=text, code=code)


def _refused(
    scope: Scope,
    reason_class: ReasonClass,
    reason: str,
    code: str,
    *,
    permanent: bool = False,
    retry_after: float | None = None,
) -> Failure:
    return Failure(
        scope=scope,
        reason_class=reason_class,
        reason=reason,
        code=code,
        permanent=permanent,
        by_engine=scope is Scope.PAYLOAD and permanent,
        retry_after=retry_after,
    )


def _is_about_documents(code: str) -> bool:
    return code in PAYLOAD_REFUSED or code.startswith("invalid_document")
