"""Reading records and sending them: documents first, then deletions, each request after a look at the lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from .. import tracing
from ..engine.reasons import request_failure
from ..errors import EngineError, EngineUnreachable, SourceError
from ..work import MAX_IDS, Failure, ReasonClass, Scope
from .bisection import halves
from .checkpoints import Await, Step, Steps, Tasks
from .claim_run import ClaimRun, Send, Stopped
from .decisions import Action, decide
from .outcomes import Outcome
from .unexpected_deletions import refuse_unexpected_deletions
from .vectors import with_vectors
from .watchdog import watched

SPLIT_BYTES = 1_000_000
"""A body from this size on whose connection broke may have been refused as too large (413), and is split."""


SMALL_PAYLOAD = 1_000_000
"""Bytes up to which the pages of a claim are gathered into one payload: each has its price here and in the engine."""
GATHER = 1.0
"""Seconds of reading after which what was gathered is sent: a lease is renewed by progress."""


def send_all(run: ClaimRun, ids: Sequence[str]) -> Steps:
    """Read these records now and make the index say the same of them."""
    gone: list[str] = []
    documents: dict[str, bytes] = {}
    page, size, began = run.runtime.options.read_documents, 0, time.monotonic()
    for start in range(0, len(ids), page):
        found = read(run, ids[start : start + page], gone)
        documents.update(found)
        size += sum(map(len, found.values()))
        yield Step.READ
        # A page more goes into the same payload where that is small, and did not take long to read.
        if start + page < len(ids) and size < SMALL_PAYLOAD and time.monotonic() - began < GATHER:
            continue
        for part in payloads(documents, run.runtime.options.payload_bytes):
            yield from send_documents(run, part)
        documents, size, began = {}, 0, time.monotonic()
    refuse_unexpected_deletions(run, gone)
    for start in range(0, len(gone), MAX_IDS):
        yield from send_deletions(run, gone[start : start + MAX_IDS])


def read(run: ClaimRun, ids: Sequence[str], gone: list[str]) -> Mapping[str, bytes]:
    """The documents of these ids as they are now; ids without one are added to `gone`.

    A record whose projection fails keeps its document as it is in the index, and its work fails.
    """
    try:
        with tracing.span("read", documents=len(ids)), watched(run) as begun:
            reading = run.runtime.source.read(run.schema, ids, begun)
    except SourceError as exc:
        failure = Failure(scope=Scope.DATABASE, reason_class=ReasonClass.SOURCE, reason=str(exc), code=exc.code)
        raise Stopped(failure) from exc
    for id, failure in reading.failures.items():
        note(run, (id,), failure)
    gone.extend(reading.gone)
    # What is read here was asked for under another spelling, so no claim could tell that others work on it, too.
    run.requeue(reading.respelt.difference(run.claim.ids))
    return with_vectors(run, reading.documents)


def payloads(documents: Mapping[str, bytes], limit: int) -> Iterator[dict[str, bytes]]:
    """Parts of at most `limit` bytes (or of one document)."""
    if documents and sum(map(len, documents.values())) + len(documents) <= limit:
        yield dict(documents)
        return
    part: dict[str, bytes] = {}
    size = 0
    for id, body in documents.items():
        if part and size + len(body) + 1 > limit:
            yield part
            part, size = {}, 0
        part[id] = body
        size += len(body) + 1
    if part:
        yield part


def send_documents(run: ClaimRun, documents: Mapping[str, bytes]) -> Steps:
    """Send one payload; smaller ones where it turns out to be too large."""
    body = b"[" + b",".join(documents.values()) + b"]"
    key = run.schema.key

    def request(token: str) -> int:
        return run.runtime.engine.add(run.index, body, key=key, token=token)

    failure = yield from _request(run, tuple(documents), request, size=len(body), deletion=False)
    if failure is None:
        return
    if decide(failure, documents=len(documents)) is Action.SPLIT:
        for part in halves(list(documents)):
            yield from send_documents(run, {id: documents[id] for id in part})
        return
    note(run, tuple(documents), failure)


def send_deletions(run: ClaimRun, ids: Sequence[str]) -> Steps:
    """Delete these documents from the index, there or not."""

    def request(token: str) -> int:
        return run.runtime.engine.delete(run.index, ids, token=token)

    failure = yield from _request(run, tuple(ids), request, size=0, deletion=True)
    if failure is None:
        return
    if decide(failure, documents=len(ids)) is Action.SPLIT:
        for part in halves(ids):
            yield from send_deletions(run, part)
        return
    note(run, ids, failure)


def note(run: ClaimRun, ids: Sequence[str], failure: Failure) -> None:
    """Note of these documents what follows from a failure that is theirs alone."""
    permanent = decide(failure) is Action.CONDEMN
    run.documents.note(ids, Outcome.PERMANENT if permanent else Outcome.RETRYABLE, failure)


def barrier(run: ClaimRun) -> int | None:
    """Part what comes before from what comes after, where the run wants it; the barrier's uid.

    It stands right beside the request, since all that others register in between is merged with it.
    """
    if not run.barriers:
        return None
    try:
        return run.runtime.engine.barrier(run.index, run.schema.key)
    except EngineError as exc:
        raise Stopped(request_failure(exc)) from exc


def _request(
    run: ClaimRun, ids: tuple[str, ...], request: Callable[[str], int], *, size: int, deletion: bool
) -> Generator[Step | Await, Tasks, Failure | None]:
    run.renew_lease()
    yield Step.LOOKED
    token = run.next_token()
    run.requested.update(ids)
    before = barrier(run)
    try:
        with tracing.span("send", documents=len(ids), bytes=size or None, deletion=deletion):
            uid = request(token)
    except EngineUnreachable as exc:
        if exc.sent:
            run.renew_lease(unanswered=1)
        return _unless_it_pauses(_broken(exc, size, len(ids)), exc)
    except EngineError as exc:
        return _unless_it_pauses(request_failure(exc), exc)
    run.sent_bytes += size
    run.sends.append(Send(uid=uid, token=token, ids=ids, deletion=deletion, barrier=before))
    barrier(run)
    yield Step.SENT
    run.renew_lease()
    yield Step.RECORDED
    return None


def _broken(exc: EngineUnreachable, size: int, documents: int) -> Failure:
    """What a request without an answer means: a large body whose connection broke may have been too large."""
    failure = request_failure(exc)
    if failure.scope is Scope.PAYLOAD and (size < SPLIT_BYTES or documents == 1):
        return replace(failure, scope=Scope.ENGINE)
    return failure


def _unless_it_pauses(failure: Failure, exc: EngineError) -> Failure:
    if decide(failure) is Action.PAUSE:
        raise Stopped(failure) from exc
    return failure
