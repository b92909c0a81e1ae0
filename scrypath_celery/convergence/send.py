"""Reading records and sending them: documents first, then deletions, each request after a look at the lease."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

from ..engine.reasons import refusal
from ..errors import EngineError, EngineUnreachable, SourceError
from ..work import MAX_IDS, Failure, ReasonClass
from .checkpoints import Await, Step, Steps, Tasks
from .claim_run import ClaimRun, Send, Stopped
from .unexpected_deletions import refuse_unexpected_deletions

SPLIT_BYTES = 1_000_000
"""A body from this size on whose connection broke may have been refused as too large (413), and is split."""


def send_all(run: ClaimRun, ids: Sequence[str]) -> Steps:
    """Read these records now and make the index say the same of them."""
    gone: list[str] = []
    for start in range(0, len(ids), run.runtime.options.read_documents):
        page = ids[start : start + run.runtime.options.read_documents]
        documents = read(run, page, gone)
        yield Step.READ
        for part in payloads(documents, run.runtime.options.payload_bytes):
            yield from send_documents(run, part)
    refuse_unexpected_deletions(run, gone)
    for start in range(0, len(gone), MAX_IDS):
        yield from send_deletions(run, gone[start : start + MAX_IDS])


def read(run: ClaimRun, ids: Sequence[str], gone: list[str]) -> Mapping[str, bytes]:
    """The documents of these ids as they are now; ids without one are added to `gone`.

    A record whose projection fails keeps its document as it is in the index, and its work fails.
    """
    try:
        reading = run.runtime.source.read(run.schema, ids)
    except SourceError as exc:
        raise Stopped(Failure(reason_class=ReasonClass.SOURCE, reason=str(exc), code=exc.code)) from exc
    for id, failure in reading.failures.items():
        (run.condemned if failure.permanent else run.again)[id] = failure
    gone.extend(reading.gone)
    return reading.documents


def payloads(documents: Mapping[str, bytes], limit: int) -> Iterator[dict[str, bytes]]:
    """Parts of at most `limit` bytes (or of one document)."""
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

    refused = yield from _request(run, tuple(documents), request, size=len(body), deletion=False)
    if refused is None:
        return
    if len(documents) == 1:
        if not refused.permanent:  # the connection broke under one document: no verdict on it
            raise Stopped(refused)
        condemn(run, documents, refused)
        return
    for part in halves(list(documents)):
        yield from send_documents(run, {id: documents[id] for id in part})


def send_deletions(run: ClaimRun, ids: Sequence[str]) -> Steps:
    """Delete these documents from the index, there or not."""

    def request(token: str) -> int:
        return run.runtime.engine.delete(run.index, ids, token=token)

    refused = yield from _request(run, tuple(ids), request, size=0, deletion=True)
    if refused is not None:
        condemn(run, ids, refused)


def condemn(run: ClaimRun, ids: Iterable[str], failure: Failure) -> None:
    """Note that these documents are to blame."""
    for id in ids:
        run.condemned[id] = failure


def halves(ids: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Two parts of about the same size."""
    middle = (len(ids) + 1) // 2
    return ids[:middle], ids[middle:]


def barrier(run: ClaimRun) -> None:
    """Part what comes before from what comes after, where the attempt wants it: right beside the request, since all
    that others register in between is merged with it.
    """
    if not run.barriers:
        return
    try:
        run.runtime.engine.barrier(run.index, run.schema.key)
    except EngineError as exc:
        raise Stopped(refusal(exc)) from exc


def _request(
    run: ClaimRun, ids: tuple[str, ...], request: Callable[[str], int], *, size: int, deletion: bool
) -> Generator[Step | Await, Tasks, Failure | None]:
    run.renew_lease()
    yield Step.LOOKED
    token = run.next_token()
    run.asked.update(ids)
    barrier(run)
    try:
        uid = request(token)
    except EngineUnreachable as exc:
        if exc.sent:
            run.renew_lease(unanswered=1)
        if exc.broken and size >= SPLIT_BYTES:
            return Failure(
                reason_class=ReasonClass.TRANSPORT, reason=str(exc), code="payload_too_large", permanent=False
            )
        raise Stopped(refusal(exc)) from exc
    except EngineError as exc:
        failure = refusal(exc)
        if failure.reason_class is ReasonClass.VALIDATION:
            return failure
        raise Stopped(failure) from exc
    run.sends.append(Send(uid=uid, token=token, ids=ids, deletion=deletion))
    barrier(run)
    yield Step.SENT
    run.renew_lease()
    yield Step.RECORDED
    return None
