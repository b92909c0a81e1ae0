"""Writing down how a claim ended: each work on its own."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from ..ledger import claims, indexes, maintenance, marks, works
from ..work import ClaimState, Failure, ReasonClass, Work
from . import backoff
from .claim_run import ClaimRun

UNKNOWN = Failure(reason_class=ReasonClass.UNKNOWN, reason="it is not known whether the engine took the documents")


def settle(run: ClaimRun, *, submitted: bool) -> None:
    """Settle all works of a claim; with `submitted` those that the engine accepted wait for its verdict."""
    run.runtime.ledger.run(partial(_settle, run, submitted))


def _settle(run: ClaimRun, submitted: bool, connection: Connection) -> None:
    token, uids = run.claim.token, [send.uid for send in run.sends]
    outcome, fine = run.outcome, []
    outcome.retrying, outcome.failed, outcome.retry_in = {}, {}, 0.0
    outcome.engine_uids = uids
    outcome.indexed = {id for send in run.sends if not send.deletion for id in send.ids}
    outcome.deleted = {id for send in run.sends if send.deletion for id in send.ids}
    for item in run.claim.works:
        if not _unsettled(run, item):
            fine.append(item.id)
            continue
        failure, ids, delay, count_attempt = _decide(run, item)
        of_engine = uids if failure.by_engine else ()
        changed = works.fail(
            connection, token, item, failure, ids=ids, delay=delay, count_attempt=count_attempt, engine_uids=of_engine
        )
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
    if run.unanswered:
        watch = run.runtime.options.watch_seconds
        claims.mark_unresolved(connection, token, seen_uid=seen_uid(connection, run), watch=watch)
    claims.end(connection, token, ClaimState.SUBMITTED if submitted and fine else ClaimState.DONE)
    if run.mark is not None:
        marks.advance(connection, run.claim.index_uid, *run.mark)
    indexes.resume(connection, run.claim.index_uid)


def seen_uid(connection: Connection, run: ClaimRun) -> int | None:
    """A uid of the engine's that is older than any request of this claim can be."""
    row = indexes.get(connection, run.claim.index_uid)
    first = min((send.uid for send in run.sends), default=None)
    known = [uid for uid in (first, row.high_uid if row else None) if uid is not None]
    return min(known) - 1 if known else None


def _unsettled(run: ClaimRun, item: Work) -> list[str]:
    parts = (run.condemned, run.again, run.postponed, run.unknown)
    return [id for id in item.left if any(id in part for part in parts)]


def _decide(run: ClaimRun, item: Work) -> tuple[Failure, list[str], float | None, bool]:
    """Why this work is not done, which of its ids are left, the delay (None: dead letter), and whether it costs."""
    ids = _unsettled(run, item)
    for part, count_attempt in ((run.again, True), (run.postponed, False), (run.condemned, True)):
        found = [id for id in ids if id in part]
        if not found:
            continue
        failure = _named(run, part[found[0]], found)
        if not count_attempt:
            return failure, ids, random.uniform(0.5, 2.0), False
        delay, failure = backoff.decide(run.runtime.options, item.attempts, failure)
        return failure, ids, delay, True
    return UNKNOWN, ids, random.uniform(0.5, 2.0), False


def _named(run: ClaimRun, failure: Failure, ids: list[str]) -> Failure:
    """The failure with schema and ids in its reason, so that a dead letter says what it is about."""
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return replace(failure, reason=f"{run.schema.name} {shown}: {failure.reason}")


def stop(run: ClaimRun, failure: Failure) -> None:
    """Pause the index and give every work back as it was: an outage costs no run."""
    run.runtime.ledger.run(partial(_stop, run, failure))


def _stop(run: ClaimRun, failure: Failure, connection: Connection) -> None:
    claim, options = run.claim, run.runtime.options
    row = indexes.get(connection, claim.index_uid)
    delay = backoff.probe_delay(options, row.pause.count if row and row.pause else 0, failure)
    indexes.pause(connection, claim.index_uid, failure, delay)
    works.give_back(connection, claim.token, keep_claim_count=False)
    if run.requests:
        claims.mark_unresolved(connection, claim.token, seen_uid=seen_uid(connection, run), watch=options.watch_seconds)
    claims.end(connection, claim.token, ClaimState.DONE)
    indexes.leave(connection, claim.index_uid, claim.token)
    run.outcome.paused = failure.reason_class
    run.outcome.given_back = [item.id for item in claim.works]
    run.outcome.retry_in = delay


def release(run: ClaimRun, *, blame: bool = False) -> None:
    """Let the claim go at a shutdown: its works are ready at once, and what it may have sent is watched.

    `blame` says that it was ended by an error that one of its works may be the reason of.
    """
    run.runtime.ledger.run(partial(_release, run, blame))


def _release(run: ClaimRun, blame: bool, connection: Connection) -> None:
    claim = run.claim
    if blame:
        maintenance.blame(connection, claim.token, max_claims=run.runtime.options.max_claims)
    stuck = claims.stuck_id(connection, claim.token)
    if stuck is not None:
        maintenance.blame_stuck(connection, claim.token, stuck, at_once=False)
    given = works.give_back(connection, claim.token, keep_claim_count=False)
    if run.requests:
        watch = run.runtime.options.watch_seconds
        claims.mark_unresolved(connection, claim.token, seen_uid=seen_uid(connection, run), watch=watch)
    claims.end(connection, claim.token, ClaimState.DONE)
    indexes.leave(connection, claim.index_uid, claim.token)
    if given:
        run.outcome.given_back = [item.id for item in claim.works]
