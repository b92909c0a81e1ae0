"""What happened in a transaction of ours: noted beside it, so that it can be told once that is committed."""

from __future__ import annotations

from sqlalchemy import Connection

from ..notices import DeadLetter, Notice
from ..work import Failure, Work

_OPTION = "scrypath_notices"

TASK = "task"
"""How the history of a work calls its Celery task, where that is to report it."""


def note_here(connection: Connection) -> list[Notice]:
    """The list that notices of this connection are noted in from now on."""
    noted: list[Notice] = []
    connection.execution_options(**{_OPTION: noted})
    return noted


def are_noted(connection: Connection) -> bool:
    """Whether anybody wants to know what happens here; in a transaction of the caller's nobody does."""
    return _OPTION in connection.get_execution_options()


def note(connection: Connection, notice: Notice) -> None:
    """Note what happened, where anybody wants to know."""
    noted: list[Notice] | None = connection.get_execution_options().get(_OPTION)
    if noted is not None:
        noted.append(notice)


def note_dead_letter(
    connection: Connection, item: Work, failure: Failure, documents: int, *, by_runner: bool = False
) -> None:
    """Note that a work became a dead letter; `by_runner`: it was settled by the claim that ran it."""
    note(
        connection,
        DeadLetter(
            id=item.id,
            index_uid=item.index_uid,
            documents=documents,
            reason_class=failure.reason_class,
            code=failure.code,
            task_id=item.task_id,
            told_by_task=by_runner and teller(item) is not None,
        ),
    )


def teller(item: Work) -> str | None:
    """What the history of a dead letter says of who reports it, where the claim that ran it settled it.

    That is its Celery task, at its end. A task that comes again finds here that it never came so far.
    """
    return None if item.task_id is None else TASK
