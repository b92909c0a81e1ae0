"""The index before the first send to it: its primary key named, its declared settings applied and awaited, once."""

from __future__ import annotations

from sqlalchemy import Connection

from ..engine.reasons import refusal, verdict
from ..errors import EngineError
from ..ledger import claims, indexes
from ..work import Failure, ReasonClass
from .attempt import Attempt, Stopped
from .step import Await, Step, Steps

BEGUN = "begun:"
"""Stands in the ledger, with the claim's token, for the fingerprint of an index that a claim has begun to make."""


def prepare(attempt: Attempt) -> Steps:
    """Create the index where it is missing, and apply what is declared for it.

    An index that is there is taken as it is, whoever made it; what differs in it is reported as drift. Only one that a
    claim began to make and is gone before it saw the end (killed, or not answered) gets its settings again.
    """
    engine, schema = attempt.runtime.engine, attempt.schema
    try:
        found = engine.index(attempt.index)
        if found is not None:
            _check_key(attempt, found.get("primaryKey"))
            if not _left_behind(attempt):
                yield Step.PREPARED
                return
        _note(attempt, BEGUN + attempt.claim.token)
        uids = [] if found is not None else [engine.create(attempt.index, schema.key)]
        yield Step.CREATED
        settings = schema.declared_settings()
        if settings:
            uids.append(engine.apply(attempt.index, settings))
    except EngineError as exc:
        raise Stopped(refusal(exc)) from exc
    attempt.look()
    tasks = yield Await(uids=frozenset(uids))
    for task in (tasks or {}).values():
        code = (task.error or {}).get("code")
        if task.status in ("failed", "canceled") and code != "index_already_exists":
            raise Stopped(verdict(task))
    if tasks is not None and all(uid in tasks and tasks[uid].terminal for uid in uids):
        _note(attempt, schema.fingerprint())
    yield Step.PREPARED


def _left_behind(attempt: Attempt) -> bool:
    if attempt.to_target or not (attempt.claim.fingerprint or "").startswith(BEGUN):
        return False

    def look(connection: Connection) -> bool:
        row = indexes.get(connection, attempt.claim.index_uid)
        mark = (row.fingerprint if row else None) or ""
        return mark.startswith(BEGUN) and not claims.is_held(connection, mark.removeprefix(BEGUN))

    return attempt.runtime.ledger.run(look)


def _note(attempt: Attempt, fingerprint: str) -> None:
    uid = attempt.claim.index_uid
    attempt.runtime.ledger.run(lambda tx: indexes.write_fingerprint(tx, uid, fingerprint))


def _check_key(attempt: Attempt, key: str | None) -> None:
    if key not in (None, attempt.schema.key):
        text = f"index {attempt.index} has the primary key {key!r}, the schema {attempt.schema.key!r}: reindex it"
        raise Stopped(Failure(reason_class=ReasonClass.VALIDATION, reason=text, code="primary_key_differs"))
