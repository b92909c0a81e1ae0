"""The cut-over: a swap that is never sent twice under one name."""

from __future__ import annotations

from ..convergence.executor import await_tasks
from ..declaration.schema import Schema
from ..errors import EngineError, EngineUnreachable
from ..runtime import Runtime
from . import job as jobs
from .job import Job, Phase

TRIES = 5


def cut_over(runtime: Runtime, schema: Schema, job: Job) -> Job:
    """Swap the target with the live index, and know that it happened.

    A swap whose answer was lost may still come: a second one under the same names would put the old content live
    again. So the target is renamed first; a late swap under its old name then fails by itself.

    Raises:
        EngineError: the target is not as we left it, or the engine does not answer; the live index is as it was.
    """
    live = runtime.uid_of(schema)
    for _ in range(TRIES):
        if _holds(runtime, live, job):
            return jobs.save(runtime, job, phase=Phase.AFTER_SWAP)
        if job.tried:
            job = _rename(runtime, job)
            if _holds(runtime, live, job):
                return jobs.save(runtime, job, phase=Phase.AFTER_SWAP)
        _check_target(runtime, schema, job)
        if runtime.engine.index(live) is None:
            settled(runtime, runtime.engine.create(live, schema.key), missing="index_already_exists")
        job = jobs.save(runtime, job, tried=True)
        try:
            settled(runtime, runtime.engine.swap(live, job.target))
        except EngineUnreachable as exc:
            if not exc.sent:
                raise
    raise EngineError(f"the swap of {live} was not seen to happen after {TRIES} tries: run the same command again")


def settled(runtime: Runtime, uid: int, *, missing: str | None = None) -> None:
    """Await one engine task; `missing` is the code of a failure that counts as success.

    Raises:
        EngineError: it failed, or did not end in time.
    """
    task = await_tasks(runtime, [uid]).get(uid)
    code = (task.error or {}).get("code") if task is not None else None
    if task is None or not task.terminal:
        raise EngineUnreachable(f"the engine's task {uid} did not end in time", sent=True)
    if task.status != "succeeded" and (missing is None or code != missing):
        raise EngineError(f"the engine's task {uid} ({task.type}) {task.status} with {code}", engine_code=code)


def _rename(runtime: Runtime, job: Job) -> Job:
    """Give the target a fresh name, noted before it is asked for: the answer to an earlier one may have been lost."""
    there = next((name for name in (job.target, job.renaming) if name and _holds(runtime, name, job)), None)
    if there is None:
        raise EngineError(f"the target {job.target} is not there any more: abort the rebuild and start anew")
    name = jobs.fresh_name(runtime, job.uid)
    job = jobs.save(runtime, job, target=there, renaming=name)
    settled(runtime, runtime.engine.rename(there, name))
    return jobs.save(runtime, job, target=name, renaming=None)


def _holds(runtime: Runtime, name: str, job: Job) -> bool:
    found = runtime.engine.index(name)
    return found is not None and found["createdAt"] == job.created


def _check_target(runtime: Runtime, schema: Schema, job: Job) -> None:
    found = runtime.engine.index(job.target)
    if found is None or found["createdAt"] != job.created or found["primaryKey"] not in (None, schema.key):
        raise EngineError(f"the target {job.target} is not as this rebuild left it: abort the rebuild and start anew")
