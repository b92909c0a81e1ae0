"""Whether a list of tasks is another one than that in which a task of ours was seen."""

from __future__ import annotations

from ..work import EngineTask, Mark


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
