"""Reindex: build a new index beside the live one, catch up with the writes made meanwhile, and cut over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ..declaration.schema import Schema
from ..declaration.settings import differences
from ..errors import EngineError
from ..ledger import indexes, marks, rebuilds, works
from ..runtime import Runtime
from ..work import MAX_IDS, Operation
from . import job as jobs
from .cutover import cut_over, settled
from .job import Job, Phase
from .runner import Progress, run_with_workers, written_for

SMALL = 1_000
"""Documents below which what is left to catch up is small enough to cut over."""
ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class ReindexReport:
    """How far a reindex came. `target` holds the new content until the cut-over, the old content after it."""

    index: str
    target: str
    cut_over: bool
    filled: int
    caught_up: int
    requeued: int
    failed: int


def reindex(
    runtime: Runtime, schema: Schema, *, cutover: bool = True, keep_old: bool = False, progress: Progress | None = None
) -> ReindexReport:
    """Rebuild the index of a schema without losing a write; goes on where an earlier call stopped.

    Without `cutover` it stops before the swap and keeps the target up to date from where it was at the next call. The
    old content is dropped after the cut-over unless `keep_old`.

    Raises:
        SourceError, EngineError, LedgerError: a part is unreachable; call it again when it is back.
    """
    job = jobs.load(runtime, schema.uid) or jobs.start(runtime, schema.uid)
    filled = caught_up = requeued = failed = 0
    if job.phase is Phase.CREATE:
        job = _create(runtime, schema, job)
    if job.phase is Phase.FILL:
        job, filled, failed = _fill(runtime, schema, job, progress)
    if job.phase in (Phase.CATCH_UP, Phase.CUT_OVER) and not job.tried:
        job, caught_up, more = _catch_up(runtime, job, progress)
        failed += more
    if cutover and job.phase is Phase.CUT_OVER:
        job = cut_over(runtime, schema, job)
    if job.phase is Phase.AFTER_SWAP:
        requeued = _after_swap(runtime, job)
        if not keep_old:
            settled(runtime, runtime.engine.drop(job.target), missing="index_not_found")
    return ReindexReport(
        index=runtime.uid_of(schema),
        target=job.target,
        cut_over=job.phase is Phase.AFTER_SWAP,
        filled=filled,
        caught_up=caught_up,
        requeued=requeued,
        failed=failed,
    )


def abort(runtime: Runtime, schema: Schema) -> Job | None:
    """Give a rebuild up before its swap: its works are cancelled, its target dropped; the job, or None.

    Raises:
        EngineError: the swap happened already (or the engine is unreachable); then the rebuild must be finished.
    """
    job = jobs.load(runtime, schema.uid)
    if job is None:
        return None
    live = runtime.engine.index(runtime.uid_of(schema))
    if job.phase is Phase.AFTER_SWAP or (job.tried and live is not None and live["createdAt"] == job.created):
        raise EngineError(
            f"the rebuild of {schema.name} has been cut over: finish it with `reconcile --action reindex`"
        )
    runtime.ledger.run(lambda tx: indexes.write_rebuild(tx, schema.uid, None))
    settled(runtime, runtime.engine.drop(job.target), missing="index_not_found")
    return job


def _create(runtime: Runtime, schema: Schema, job: Job) -> Job:
    settled(runtime, runtime.engine.create(job.target, schema.key), missing="index_already_exists")
    declared = schema.declared_settings()
    if declared:
        settled(runtime, runtime.engine.apply(job.target, declared))
    wrong = differences(declared, runtime.engine.settings(job.target) or {})
    if wrong:
        raise EngineError(f"the engine did not take these settings of {schema.name} as declared: {', '.join(wrong)}")
    made = runtime.engine.index(job.target)
    if made is None:
        raise EngineError(f"the index {job.target} is not there after its creation")
    return jobs.save(runtime, job, phase=Phase.FILL, created=made["createdAt"])


def _fill(runtime: Runtime, schema: Schema, job: Job, progress: Progress | None) -> tuple[Job, int, int]:
    """Write down works for all records from the cursor on, page by page, and see them settled."""
    filled, total = 0, runtime.source.count(schema)
    if not job.filled:
        for page in runtime.source.pages(schema, MAX_IDS, job.cursor):
            job = _fill_page(runtime, job, page)
            filled += len(page)
            if progress is not None:
                progress("enumerate", filled, total)
        job = jobs.save(runtime, job, filled=True)
    failed = 0
    if job.first is not None:
        failed = run_with_workers(runtime, job.uid, Operation.REINDEX, since=job.first, phase="fill", progress=progress)
    return jobs.save(runtime, job, phase=Phase.CATCH_UP), filled, failed


def _fill_page(runtime: Runtime, job: Job, page: tuple[str, ...]) -> Job:
    """Works of one page and the cursor behind it, in one transaction: a crash repeats or skips none."""
    changed, written = job, tuple[int, ...]()

    def both(tx: object) -> None:
        nonlocal changed, written
        written = rebuilds.announce(tx, job.uid, Operation.REINDEX, page)  # type: ignore[arg-type]
        first = job.first if job.first is not None else written[0]
        changed = replace(job, cursor=page[-1], first=first)
        jobs.write(tx, changed)

    runtime.ledger.run(both)
    runtime.publish(job.uid, written)
    return changed


def _catch_up(runtime: Runtime, job: Job, progress: Progress | None) -> tuple[Job, int, int]:
    """Send to the target what was claimed since the last note; again until little is left."""
    caught_up = failed = 0
    for _ in range(ROUNDS):
        upto, ids = runtime.ledger.run(partial(rebuilds.claimed_since, index_uid=job.uid, number=job.noted))
        if ids:
            written = written_for(runtime, job.uid, Operation.REINDEX, ids)
            failed += run_with_workers(
                runtime, job.uid, Operation.REINDEX, since=written[0], phase="catch up", progress=progress
            )
        caught_up += len(ids)
        job = jobs.save(runtime, job, noted=upto, phase=Phase.CUT_OVER)
        if len(ids) <= SMALL:
            break
    return job, caught_up, failed


def _after_swap(runtime: Runtime, job: Job) -> int:
    """Requeue what was claimed since the last catch-up, and what unresolved sends may have changed; how many."""

    def requeue(tx: object) -> tuple[int, ...]:
        _, ids = rebuilds.claimed_since(tx, job.uid, job.noted)  # type: ignore[arg-type]
        unresolved = rebuilds.unresolved_ids(tx, job.uid)  # type: ignore[arg-type]
        indexes.write_rebuild(tx, job.uid, None)  # type: ignore[arg-type]
        marks.end_loss(tx, job.uid)  # type: ignore[arg-type]
        return works.requeue(tx, job.uid, list(dict.fromkeys([*ids, *unresolved])))  # type: ignore[arg-type]

    requeued = runtime.ledger.run(requeue)
    if requeued:
        runtime.publish(job.uid, requeued)
    return len(requeued)
