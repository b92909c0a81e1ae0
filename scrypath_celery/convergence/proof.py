"""Whether the engine is still the one that settled our works: the task at the remembered mark bears our token.

Numbers alone do not show a restored, emptied or replaced engine for long, since its uids catch up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..errors import EngineError
from ..ledger import marks
from ..logs import log
from ..masking import masked
from ..runtime import Runtime
from ..work import EngineTask, Mark
from .claim_run import ClaimRun


def is_lost(mark: Mark, task: EngineTask | None, newest_uid: int | None) -> bool:
    """Whether a mark's task shows another list of tasks than the one that the mark is in.

    `task` is what the engine has at the mark's uid, `newest_uid` its newest task's uid. A task that is gone from a
    list that goes on after it was deleted from it: that proves nothing.
    """
    if task is None:
        return newest_uid is None or newest_uid < mark.uid
    if mark.token is None:
        return not (task.metadata or "").startswith("scrypath:")
    return task.metadata != mark.token


def check(runtime: Runtime) -> bool:
    """Ask the engine for the task at the newest mark, and note a loss in the ledger; whether one was noted just now.

    Raises:
        LedgerError: the ledger cannot be used. EngineError: the engine did not answer.
    """
    mark = runtime.ledger.read(partial(marks.newest, generation=runtime.options.generation))
    if mark is None:
        return False
    task = runtime.engine.tasks([mark.uid]).get(mark.uid)
    newest = runtime.engine.newest_task() if task is None else task
    return is_lost(mark, task, None if newest is None else newest.uid) and _note(runtime, mark)


def check_or_leave(runtime: Runtime) -> int:
    """`check` for a pass that goes on without an engine; how many losses were noted."""
    try:
        return int(check(runtime))
    except EngineError:
        return 0


def asked(run: ClaimRun) -> frozenset[int]:
    """The uids that a claim asks for: those of its sends, and that of its mark."""
    mark = run.claim.mark
    return frozenset(send.uid for send in run.sends) | (frozenset() if mark is None else {mark.uid})


def witness(run: ClaimRun, tasks: Mapping[int, EngineTask] | None) -> Mapping[int, EngineTask] | None:
    """Compare what a claim was told with its mark; the tasks of its own sends.

    The newest task that was seen to bear a token of this claim becomes the next mark when the claim settles.
    """
    if tasks is None or not run.sends:
        return tasks
    mark = run.claim.mark
    if mark is not None and is_lost(mark, tasks.get(mark.uid), min(send.uid for send in run.sends)):
        _note(run.runtime, mark)
    seen = [send for send in run.sends if send.uid in tasks and tasks[send.uid].metadata == send.token]
    run.mark = max(((send.uid, send.token) for send in seen), default=None)
    return {send.uid: tasks[send.uid] for send in run.sends if send.uid in tasks}


def _note(runtime: Runtime, mark: Mark) -> bool:
    noted = runtime.ledger.run(partial(marks.note_loss, mark=mark))
    if noted:
        log("engine_restored", url=masked(runtime.engine.url))
    return noted
