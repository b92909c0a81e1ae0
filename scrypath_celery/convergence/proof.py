"""Whether the engine is still the one that settled our works: the task at the remembered mark bears our token.

Numbers alone do not show a restored, emptied or replaced engine for long, since its uids catch up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..errors import EngineError
from ..ledger import marks
from ..logs import log
from ..runtime import Runtime
from ..work import EngineTask, Mark
from .claim_run import ClaimRun
from .destinations import is_another_engine
from .lost_tasks import is_lost


def check(runtime: Runtime) -> bool:
    """Ask the engine for the task at the newest mark, and note a loss in the ledger; whether one was noted just now.

    None is where the mark is of another engine, which another process of this ledger uses.

    Raises:
        LedgerError: the ledger cannot be used. EngineError: the engine did not answer.
    """
    mark = runtime.ledger.read(partial(marks.newest, generation=runtime.options.generation))
    if mark is None:
        return False
    task = runtime.engine.tasks([mark.uid]).get(mark.uid)
    newest = runtime.engine.newest_task() if task is None else task
    if not is_lost(mark, task, None if newest is None else newest.uid):
        runtime.seen.task = mark if task is not None else runtime.seen.task
        return False
    return not is_another_engine(runtime, mark) and _note(runtime, mark)


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
        run.runtime.moved()
    seen = [send for send in run.sends if send.uid in tasks and tasks[send.uid].metadata == send.token]
    run.mark = max(((send.uid, send.token) for send in seen), default=None)
    if run.mark is not None:
        run.runtime.seen.task = Mark(index_uid=run.claim.index_uid, uid=run.mark[0], token=run.mark[1])
    return {send.uid: tasks[send.uid] for send in run.sends if send.uid in tasks}


def _note(runtime: Runtime, mark: Mark) -> bool:
    noted = runtime.ledger.run(partial(marks.note_loss, mark=mark))
    if noted:
        log("engine_restored", url=runtime.engine.url)
    return noted
