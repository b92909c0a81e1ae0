"""Writing down how a claim ended: each work on its own."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from ..ledger import claims, indexes, upkeep, works
from ..work import ClaimState, Failure, ReasonClass, Work
from . import backoff
from .attempt import Attempt

UNKNOWN = Failure(reason_class=ReasonClass.UNKNOWN, reason="nobody knows whether the engine took the documents")


def settle(attempt: Attempt, *, submitted: bool) -> None:
    """Settle all works of a claim; with `submitted` those that the engine accepted wait for its verdict."""
    attempt.runtime.ledger.run(partial(_settle, attempt, submitted))


def _settle(attempt: Attempt, submitted: bool, connection: Connection) -> None:
    token, uids = attempt.claim.token, [send.uid for send in attempt.sends]
    outcome, fine = attempt.outcome, []
    outcome.retrying, outcome.failed, outcome.retry_in = {}, {}, 0.0
    outcome.engine_uids = uids
    outcome.indexed = {id for send in attempt.sends if not send.deletion for id in send.ids}
    outcome.deleted = {id for send in attempt.sends if send.deletion for id in send.ids}
    for item in attempt.claim.works:
        if not _unsettled(attempt, item):
            fine.append(item.id)
            continue
        failure, ids, delay, spend = _decide(attempt, item)
        of_engine = uids if failure.by_engine else ()
        changed = works.fail(connection, token, item, failure, ids=ids, delay=delay, spend=spend, engine_uids=of_engine)
        if changed and delay is None:
            outcome.failed[item.id] = failure.reason_class
        elif changed:
            outcome.retrying[item.id] = failure.reason_class
            outcome.retry_in = max(outcome.retry_in, delay or 0.0)
    write = works.submit if submitted else works.succeed
    if fine and write(connection, token, fine, uids) < len(fine):
        outcome.lost = True  # others have them; what became of them the ledger says
    elif submitted:
        outcome.submitted = fine
    else:
        outcome.succeeded = fine
    if attempt.unanswered:
        watch = attempt.runtime.options.watch_seconds
        claims.loosen(connection, token, seen_uid=seen_uid(connection, attempt), watch=watch)
    claims.end(connection, token, ClaimState.SUBMITTED if submitted and fine else ClaimState.DONE)
    if uids:
        indexes.raise_high_uid(connection, attempt.claim.index_uid, max(uids))
    indexes.resume(connection, attempt.claim.index_uid)


def seen_uid(connection: Connection, attempt: Attempt) -> int | None:
    """A uid of the engine's that is older than any request of this claim can be."""
    row = indexes.get(connection, attempt.claim.index_uid)
    first = min((send.uid for send in attempt.sends), default=None)
    known = [uid for uid in (first, row.high_uid if row else None) if uid is not None]
    return min(known) - 1 if known else None


def _unsettled(attempt: Attempt, item: Work) -> list[str]:
    parts = (attempt.condemned, attempt.again, attempt.postponed, attempt.unknown)
    return [id for id in item.ids if any(id in part for part in parts)]


def _decide(attempt: Attempt, item: Work) -> tuple[Failure, list[str], float | None, bool]:
    """Why this work is not done, which of its ids are left, the delay (None: dead letter), and whether it costs."""
    ids = _unsettled(attempt, item)
    for part, spend in ((attempt.again, True), (attempt.postponed, False), (attempt.condemned, True)):
        found = [id for id in ids if id in part]
        if not found:
            continue
        failure = _named(attempt, part[found[0]], found)
        if not spend:
            return failure, ids, random.uniform(0.5, 2.0), False
        delay, failure = backoff.decide(attempt.runtime.options, item.attempts, failure)
        return failure, ids, delay, True
    return UNKNOWN, ids, random.uniform(0.5, 2.0), False


def _named(attempt: Attempt, failure: Failure, ids: list[str]) -> Failure:
    """The failure with schema and ids in its reason, so that a dead letter says what it is about."""
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return replace(failure, reason=f"{attempt.schema.name} {shown}: {failure.reason}")


def stop(attempt: Attempt, failure: Failure) -> None:
    """Pause the index and give every work back as it was: an outage costs no attempt."""
    attempt.runtime.ledger.run(partial(_stop, attempt, failure))


def _stop(attempt: Attempt, failure: Failure, connection: Connection) -> None:
    claim, options = attempt.claim, attempt.runtime.options
    row = indexes.get(connection, claim.index_uid)
    delay = backoff.probe_delay(options, row.pause.count if row and row.pause else 0, failure)
    indexes.pause(connection, claim.index_uid, failure, delay)
    works.give_back(connection, claim.token, blameless=True)
    if attempt.requests:
        claims.loosen(connection, claim.token, seen_uid=seen_uid(connection, attempt), watch=options.watch_seconds)
    claims.end(connection, claim.token, ClaimState.DONE)
    indexes.leave(connection, claim.index_uid, claim.token)
    attempt.outcome.paused = failure.reason_class
    attempt.outcome.given_back = [item.id for item in claim.works]
    attempt.outcome.retry_in = delay


def release(attempt: Attempt, *, blame: bool = False) -> None:
    """Let the claim go at a shutdown: its works are ready at once, and what it may have sent is watched.

    `blame` says that it was ended by an error that one of its works may be the reason of.
    """
    attempt.runtime.ledger.run(partial(_release, attempt, blame))


def _release(attempt: Attempt, blame: bool, connection: Connection) -> None:
    claim = attempt.claim
    if blame:
        upkeep.blame(connection, claim.token, max_claims=attempt.runtime.options.max_claims)
    given = works.give_back(connection, claim.token, blameless=True)
    if attempt.requests:
        watch = attempt.runtime.options.watch_seconds
        claims.loosen(connection, claim.token, seen_uid=seen_uid(connection, attempt), watch=watch)
    claims.end(connection, claim.token, ClaimState.DONE)
    indexes.leave(connection, claim.index_uid, claim.token)
    if given:
        attempt.outcome.given_back = [item.id for item in claim.works]
