"""Writing down how a claim ended: each work on its own."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from ..ledger import claims, indexes, maintenance, marks, noted, parts, totals, unresolved, works
from ..ledger import stuck as stuck_work
from ..notices import Settled
from ..work import BULK, ClaimState, Failure, Scope, Work
from . import backoff
from .checkpoints import Phase
from .claim_run import ClaimRun
from .outcomes import Ending, Outcome


def settle(run: ClaimRun) -> None:
    """Settle all works of a claim; those with documents that the engine is not done with wait for its verdict."""
    run.runtime.ledger.run(partial(_settle, run))


def _settle(run: ClaimRun, connection: Connection) -> None:
    token, uids, began = run.claim.token, [send.uid for send in run.sends], time.monotonic()
    outcome = run.outcome
    outcome.retrying, outcome.failed, outcome.codes, outcome.retry_in = {}, {}, {}, 0.0
    outcome.engine_uids = uids
    outcome.indexed = set().union(*(send.ids for send in run.sends if not send.deletion))
    outcome.deleted = set().union(*(send.ids for send in run.sends if send.deletion))
    fine: list[Work] = []
    waiting: dict[Wait, list[int]] = {}
    open_uids, (held, paused) = _open_uids(run), parts.held(connection, token)
    outcome.lost |= len(held) < len(run.claim.works)
    for item in run.claim.works:
        if item.id not in held:
            continue
        (ids, first), *rest = pieces(run, item, open_uids)
        # Split off first: what is split off is alike, so the work must not be settled yet.
        apart = [(parts.split_off(connection, item, others), ending) for others, ending in rest]
        for row, ending in ((parts.narrow(connection, item, ids), first), *apart):
            if ending is None:
                fine.append(row)
            elif isinstance(ending, Wait):
                waiting.setdefault(ending, []).append(row.id)
            else:
                _fail(run, connection, row, ending)
    if fine:
        outcome.lost |= works.succeed(connection, token, [row.id for row in fine], uids) < len(fine)
    for wait, rows in waiting.items():
        outcome.lost |= works.submit(connection, token, rows, wait.uids, trial=wait.trial) < len(rows)
    if not outcome.lost:  # else others have them; what became of them the ledger says
        outcome.succeeded = [row.id for row in fine]
        outcome.submitted = [id for ids in waiting.values() for id in ids]
    if run.unanswered:
        watch = run.runtime.options.watch_seconds
        unresolved.mark(connection, token, seen_uid=seen_uid(connection, run), watch=watch)
    claims.end(connection, token, ClaimState.SUBMITTED if waiting else ClaimState.DONE)
    if run.tried or run.claim.trials:
        indexes.leave(connection, run.claim.index_uid, token)
    _note_success(run, connection, paused=paused)
    _count(run, connection, fine, settling=time.monotonic() - began)
    if held:
        noted.note(connection, _settled(run, fine, waiting))


def _note_success(run: ClaimRun, connection: Connection, *, paused: bool) -> None:
    """Note the newest task of ours, and end a pause; what works on a rebuild's target ends none of the live index."""
    if run.mark is not None:
        marks.advance(connection, run.claim.index_uid, *run.mark)
    if paused and not run.to_target:
        indexes.resume(connection, run.claim.index_uid)


def _settled(run: ClaimRun, fine: Sequence[Work], waiting: Mapping[Wait, Sequence[int]]) -> Settled:
    outcome, items = run.outcome, run.claim.works
    return Settled(
        index_uid=run.claim.index_uid,
        operation=items[0].operation,
        works=tuple(item.id for item in items),
        documents=len(run.claim.ids),
        succeeded=len(fine),
        submitted=sum(map(len, waiting.values())),
        retrying=len(outcome.retrying),
        failed=len(outcome.failed),
        classes=Counter(reason.value for reason in (*outcome.retrying.values(), *outcome.failed.values())),
        seconds=time.monotonic() - run.began,
    )


def _count(run: ClaimRun, connection: Connection, fine: Sequence[Work], *, settling: float) -> None:
    """Add the claim to the ledger's totals: what succeeded, and how long each of its phases took."""
    uid, counted = run.claim.index_uid, totals.of(connection)
    totals.succeeded(connection, uid, fine, at=run.now())
    doubled = sum(len(item.left) for item in run.claim.works) - len(run.claim.ids)
    totals.add(connection, uid, totals.SUPERSEDED, times=doubled, documents=doubled)
    kind = totals.BULK if run.claim.works[0].operation in BULK else totals.PHASE
    for phase, seconds in {**run.seconds, Phase.SETTLE: run.seconds.get(Phase.SETTLE, 0.0) + settling}.items():
        counted.observe(uid, f"{kind}.{phase}", seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What a work waits for: the tasks that hold its documents, and the group that they are tried in."""

    uids: tuple[int, ...]
    trial: str | None


Pieces = list[tuple[tuple[str, ...], "Ending | Wait | None"]]


def pieces(run: ClaimRun, item: Work, open_uids: Mapping[str, tuple[int, ...]]) -> Pieces:
    """The documents of a work by what becomes of them: why they failed, what they wait for, or None for all settled.

    Settled documents are left out where others are not. The work itself keeps the first piece, so that who knows its
    id finds the worst of it there.
    """
    found: Pieces = [(part.ids, part.ending) for part in run.documents.parts(item.left)]
    if not found and not run.trials:  # nearly all
        all_uids = set(map(open_uids.get, item.left))
        if None not in all_uids:
            uids = tuple(sorted(set().union(*filter(None, all_uids))))
            return [(item.left, Wait(uids=uids, trial=None))]
    bad = {id for ids, _ in found for id in ids}
    waits: dict[str | None, list[str]] = {}
    for id in item.left:
        if id in open_uids and id not in bad:
            waits.setdefault(run.trials.get(id), []).append(id)
    for trial, ids in waits.items():
        uids = tuple(sorted(set().union(*{open_uids[id] for id in ids})))
        whole = trial is None and not bad and len(waits) == 1
        found.append((item.left if whole else tuple(ids), Wait(uids=uids, trial=trial)))
    return found or [(item.left, None)]


def _open_uids(run: ClaimRun) -> dict[str, tuple[int, ...]]:
    """The tasks that the engine is not done with, by document."""
    found: dict[str, tuple[int, ...]] = {}
    for send in run.open:
        own: dict[str, tuple[int, ...]] = dict.fromkeys(send.ids, (send.uid,))
        own.update({id: (*found[id], send.uid) for id in found.keys() & own.keys()})
        found.update(own)
    return found


def _fail(run: ClaimRun, connection: Connection, item: Work, ending: Ending) -> None:
    """Write down that these documents of a work are not settled."""
    failure, outcome, delay = _named(run, ending.failure, item.left), run.outcome, random.uniform(0.5, 2.0)
    counts = ending.outcome in (Outcome.PERMANENT, Outcome.RETRYABLE)
    wait: float | None = delay
    if counts:
        wait, failure = backoff.decide(run.runtime.options, item.attempts, failure)
    elif ending.trial is not None:
        wait = 0.0
    changed = works.fail(
        connection,
        run.claim.token,
        item,
        failure,
        ids=item.left,
        delay=wait,
        count_attempt=counts,
        engine_uids=[send.uid for send in run.sends] if failure.by_engine else (),
        trial=ending.trial if wait is not None else None,
        by_runner=True,
    )
    if changed and wait is None:
        outcome.failed[item.id], outcome.codes[item.id] = failure.reason_class, failure.code or ""
    elif changed:
        outcome.retrying[item.id] = failure.reason_class
        outcome.retry_in = max(outcome.retry_in, wait or 0.0)


def _named(run: ClaimRun, failure: Failure, ids: Sequence[str]) -> Failure:
    """The failure with schema and ids in its reason, so that a dead letter says what it is about."""
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return replace(failure, reason=f"{run.schema.name} {shown}: {failure.reason}")


def seen_uid(connection: Connection, run: ClaimRun) -> int | None:
    """A uid of the engine's that is older than any request of this claim can be."""
    row = indexes.get(connection, run.claim.index_uid)
    first = min((send.uid for send in run.sends), default=None)
    known = [uid for uid in (first, row.high_uid if row else None) if uid is not None]
    return min(known) - 1 if known else None


def stop(run: ClaimRun, failure: Failure) -> None:
    """Pause the index and give every work back as it was: an outage costs no attempt."""
    if run.to_target and failure.scope is Scope.INDEX:  # a pause of that scope is of the live index alone
        failure = replace(failure, scope=Scope.ENGINE)
    run.runtime.ledger.run(partial(_stop, run, failure))


def _stop(run: ClaimRun, failure: Failure, connection: Connection) -> None:
    claim, options = run.claim, run.runtime.options
    row = indexes.get(connection, claim.index_uid)
    delay = backoff.probe_delay(options, row.pause.count if row and row.pause else 0, failure)
    indexes.pause(connection, claim.index_uid, failure, delay)
    works.give_back(connection, claim.token, keep_claim_count=False)
    if run.requests:
        unresolved.mark(connection, claim.token, seen_uid=seen_uid(connection, run), watch=options.watch_seconds)
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
    stuck = stuck_work.document_of(connection, claim.token)
    if stuck is not None:
        maintenance.blame_stuck(connection, claim.token, stuck, at_once=False)
    given = works.give_back(connection, claim.token, keep_claim_count=False)
    if run.requests:
        watch = run.runtime.options.watch_seconds
        unresolved.mark(connection, claim.token, seen_uid=seen_uid(connection, run), watch=watch)
    claims.end(connection, claim.token, ClaimState.DONE)
    indexes.leave(connection, claim.index_uid, claim.token)
    if given:
        run.outcome.given_back = [item.id for item in claim.works]
