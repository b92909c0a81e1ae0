"""What each answer of the engine concerns, of which class it is, and whether it is permanent."""

from __future__ import annotations

import pytest

from scrypath_celery.engine.reasons import is_lasting, proves_alone, request_failure, task_failure
from scrypath_celery.errors import EngineError, EngineTooOld, EngineUnreachable, UnexpectedAnswer
from scrypath_celery.work import EngineTask, ReasonClass, Scope

DOCUMENT, PAYLOAD, INDEX, ENGINE = Scope.DOCUMENT, Scope.PAYLOAD, Scope.INDEX, Scope.ENGINE
C = ReasonClass


def refused(status: int, code: str | None = None, kind: str | None = None) -> EngineError:
    return EngineError("it was refused", status=status, engine_code=code, engine_type=kind)


REQUESTS = {
    "no connection": (EngineUnreachable("x", sent=False), ENGINE, C.TRANSPORT, False),
    "no answer in time": (EngineUnreachable("x", sent=True), ENGINE, C.TRANSPORT, False),
    "a broken connection": (EngineUnreachable("x", sent=True, broken=True), PAYLOAD, C.TRANSPORT, False),
    "a page of HTML": (UnexpectedAnswer("x", sent=True), ENGINE, C.TRANSPORT, False),
    "an old engine": (EngineTooOld("x"), ENGINE, C.BACKEND_REJECTED, True),
    "Meilisearch's 413": (refused(413, "payload_too_large", "invalid_request"), PAYLOAD, C.VALIDATION, True),
    "a proxy's 413": (refused(413), PAYLOAD, C.VALIDATION, True),
    "malformed JSON": (refused(400, "malformed_payload", "invalid_request"), PAYLOAD, C.VALIDATION, True),
    "an unknown parameter": (refused(400, "bad_request", "invalid_request"), ENGINE, C.BACKEND_REJECTED, True),
    "a code of a later release": (refused(400, "unheard_of", "invalid_request"), ENGINE, C.BACKEND_REJECTED, True),
    "wrong settings": (refused(400, "invalid_settings_ranking_rules", "invalid_request"), INDEX, C.VALIDATION, True),
    "a key without the right": (refused(403, "invalid_api_key", "auth"), ENGINE, C.AUTH, False),
    "a proxy's 401": (refused(401), ENGINE, C.AUTH, False),
    "a proxy's 404": (refused(404), ENGINE, C.UNKNOWN, False),
    "no such index": (refused(404, "index_not_found", "invalid_request"), INDEX, C.UNKNOWN, False),
    "full": (refused(422, "no_space_left_on_device", "system"), ENGINE, C.BACKEND_REJECTED, False),
    "overloaded": (refused(503, "too_many_search_requests", "system"), ENGINE, C.TRANSPORT, False),
    "internal": (refused(500, "internal", "internal"), ENGINE, C.BACKEND_REJECTED, False),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_error_of_a_request_concerns(name: str) -> None:
    exc, scope, reason_class, permanent = REQUESTS[name]
    found = request_failure(exc)
    assert (found.scope, found.reason_class, found.permanent) == (scope, reason_class, permanent)


def task(
    code: str | None, kind: str | None, *, status: str = "failed", of: str = "documentAdditionOrUpdate"
) -> EngineTask:
    return EngineTask(uid=7, status=status, type=of, error={"code": code, "type": kind} if code else None)


TASKS = {
    "canceled": (task(None, None, status="canceled"), DOCUMENT, C.BACKEND_REJECTED, False),
    "a bad id": (task("invalid_document_id", "invalid_request"), PAYLOAD, C.VALIDATION, True),
    "a bad place": (task("invalid_document_geo_field", "invalid_request"), PAYLOAD, C.VALIDATION, True),
    "too many fields": (task("max_fields_limit_exceeded", "invalid_request"), PAYLOAD, C.VALIDATION, True),
    "an embedder": (task("vector_embedding_error", "invalid_request"), PAYLOAD, C.UNKNOWN, False),
    "internal": (task("internal", "internal"), PAYLOAD, C.BACKEND_REJECTED, False),
    "a full disk": (task("no_space_left_on_device", "system"), ENGINE, C.BACKEND_REJECTED, False),
    "another key": (task("index_primary_key_already_exists", "invalid_request"), INDEX, C.VALIDATION, False),
    "no right to create": (task("index_not_found", "invalid_request"), INDEX, C.AUTH, False),
    "settings": (
        task("invalid_settings_filterable", "invalid_request", of="settingsUpdate"),
        INDEX,
        C.VALIDATION,
        True,
    ),
    "internal of a barrier": (task("internal", "internal", of="indexUpdate"), ENGINE, C.BACKEND_REJECTED, False),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_failed_concerns(name: str) -> None:
    failed, scope, reason_class, permanent = TASKS[name]
    found = task_failure(failed)
    assert (found.scope, found.reason_class, found.permanent) == (scope, reason_class, permanent)
    assert found.by_engine


def test_few_codes_prove_something_of_their_own_payload_whatever_it_was_merged_with() -> None:
    assert [name for name, (failed, *_) in TASKS.items() if proves_alone(failed)] == ["a bad id"]


def test_only_what_does_not_pass_by_itself_is_lasting() -> None:
    lasting = {name for name, (exc, *_) in REQUESTS.items() if is_lasting(exc)}
    assert {"an old engine", "a page of HTML", "a key without the right", "an unknown parameter"} <= lasting
    assert lasting.isdisjoint({"no connection", "no answer in time", "overloaded", "full", "internal"})
