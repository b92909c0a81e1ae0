"""The cut-over: a swap that is never sent twice under one name."""

from __future__ import annotations

import secrets

from ..convergence.executor import await_tasks
from ..errors import EngineError, EngineUnreachable
from ..runtime import Runtime
from ..work import EngineTask
from .held import Held
from .phases import Phase

TRIES = 5


class TargetGone(Exception):
    """Neither the live index nor any index of ours holds what was filled."""


def cut_over(held: Held) -> None:
    """Swap the target with the live index, and know that it happened.

    A swap whose answer was lost may still come, and so may that of a predecessor: a second one under the same names
    would put the old content live again. So the target is renamed first; a late swap under its old name then fails
    by itself.

    Raises:
        RebuildError: another process took the rebuild over. TargetGone: the target is not there any more.
        EngineError: the engine does not answer, or the swap was not seen to happen.
    """
    engine = held.runtime.engine
    for _ in range(TRIES):
        if was_swapped(held):
            held.save(phase=Phase.AFTER_SWAP, renaming=None)
            return
        old = engine.index(held.live)
        if old is None:
            settled(held.runtime, engine.create(held.live, held.schema.key), missing="index_already_exists")
            old = engine.index(held.live)
        held.save(tried=1, counts={**held.row.counts, "old_created": old["createdAt"] if old else None})
        try:
            held.renew()
            settled(held.runtime, engine.swap(held.live, held.target))
        except EngineUnreachable as exc:
            if not exc.sent:
                raise
    raise EngineError(f"the swap of {held.live} was not seen to happen after {TRIES} tries: run the same command again")


def was_swapped(held: Held) -> bool:
    """Whether the live index holds what was filled; where a swap was sent, none of it can come any more after this.

    Raises:
        RebuildError, TargetGone, EngineError: as `cut_over`.
    """
    if _holds(held, held.live):
        return True
    if not held.row.tried:
        return False
    names = (held.row.target, held.row.renaming)
    there = next((name for name in names if name and _holds(held, name)), None)
    if there is not None:
        # The new name is noted before it is asked for: the answer may be lost.
        name = fresh_name(held.runtime, held.row.index_uid)
        held.save(target=there, renaming=name)
        held.renew()
        settled(held.runtime, held.runtime.engine.rename(there, name), missing="index_not_found")
        held.save(target=name, renaming=None)
    if _holds(held, held.live):
        return True
    if not _holds(held, held.target):
        raise TargetGone
    held.save(tried=0)
    return False


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
        raise task_error(task)


def task_error(task: EngineTask) -> EngineError:
    """The error for an engine task that did not succeed."""
    error = task.error or {}
    code, said = error.get("code"), error.get("message")
    text = f"the engine's task {task.uid} ({task.type}) {task.status} with {code}"
    return EngineError(f"{text}: {said}" if said else text, engine_code=code)


def fresh_name(runtime: Runtime, uid: str) -> str:
    """An engine uid that was never used before."""
    return f"{runtime.engine_uid(uid)[:380]}_rebuild_{secrets.token_hex(4)}"


def _holds(held: Held, name: str) -> bool:
    found = held.runtime.engine.index(name)
    return found is not None and found["createdAt"] == held.row.target_created
