"""The index before the first send to it: its primary key named, its declared settings applied and awaited, once."""

from __future__ import annotations

from sqlalchemy import Connection

from ..engine.reasons import request_failure, task_failure
from ..errors import EngineError, IndexTaken
from ..ledger import claims, declared, engine_uids, indexes
from ..work import Failure, ReasonClass, Scope
from .checkpoints import Await, Step, Steps
from .claim_run import ClaimRun, Stopped
from .ownership import refuse_foreign

BEGUN = "begun:"
"""Stands in the ledger, with the claim's token, for the fingerprint of an index that a claim has begun to make."""


def prepare(run: ClaimRun) -> Steps:
    """Create the index where it is missing, and apply what is declared for it.

    An index that is there is taken as it is, whoever made it; what differs in it is reported as drift. Only one that a
    claim began to make and is gone before it saw the end (killed, or not answered) gets its settings again. A target is
    its rebuild's affair: what makes it may still stand in the engine's queue, before what is sent now.
    """
    engine, schema = run.runtime.engine, run.schema
    known = run.claim.fingerprint or ""
    if not run.to_target and known not in ("", schema.fingerprint()) and not known.startswith(BEGUN):
        run.runtime.declaration_changed(run.runtime.ledger, schema)
    try:
        engine.require_version()
        if run.to_target:
            yield Step.PREPARED
            return
        _check_owner(run)
        found = engine.index(run.index)
        if found is not None:
            _check_key(run, found.get("primaryKey"))
            if not _left_behind(run):
                yield Step.PREPARED
                return
        run.runtime.ledger.run(lambda tx: declared.begin(tx, run.claim.index_uid, BEGUN + run.claim.token))
        uids = [] if found is not None else [engine.create(run.index, schema.key)]
        yield Step.CREATED
        settings = schema.declared_settings()
        if settings:
            uids.append(engine.apply(run.index, settings))
    except EngineError as exc:
        raise Stopped(request_failure(exc)) from exc
    run.renew_lease()
    tasks = yield Await(uids=frozenset(uids))
    for task in (tasks or {}).values():
        code = (task.error or {}).get("code")
        if task.status in ("failed", "canceled") and code != "index_already_exists":
            raise Stopped(task_failure(task))
    if tasks is not None and all(uid in tasks and tasks[uid].terminal for uid in uids):
        run.runtime.ledger.run(lambda tx: declared.note(tx, run.claim.index_uid, schema.declared))
    yield Step.PREPARED


def _left_behind(run: ClaimRun) -> bool:
    if not (run.claim.fingerprint or "").startswith(BEGUN):
        return False

    def is_left(connection: Connection) -> bool:
        row = indexes.get(connection, run.claim.index_uid)
        mark = (row.fingerprint if row else None) or ""
        return mark.startswith(BEGUN) and not claims.is_held(connection, mark.removeprefix(BEGUN))

    return run.runtime.ledger.run(is_left)


def _check_owner(run: ClaimRun) -> None:
    """Before this ledger first uses an index of the engine: see that it is no other application's."""
    uid = run.claim.index_uid
    if run.claim.engine_uid == run.index:
        return
    try:
        refuse_foreign(run.runtime, run.schema, run.index)
    except IndexTaken as exc:
        # Of the index alone: a rebuild takes it over from an application that is gone.
        taken = ReasonClass.BACKEND_REJECTED
        failure = Failure(scope=Scope.INDEX, reason_class=taken, reason=str(exc), code=exc.code)
        raise Stopped(failure) from exc
    run.runtime.ledger.run(lambda tx: engine_uids.note(tx, uid, run.index))
    if run.claim.engine_uid is not None:
        run.runtime.moved()


def _check_key(run: ClaimRun, key: str | None) -> None:
    if key not in (None, run.schema.key):
        text = f"index {run.index} has the primary key {key!r}, the schema {run.schema.key!r}: reindex it"
        failure = Failure(
            scope=Scope.INDEX, reason_class=ReasonClass.VALIDATION, reason=text, code="primary_key_differs"
        )
        raise Stopped(failure)
