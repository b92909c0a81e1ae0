"""What became a dead letter in a transaction: noted beside it, so that it can be told once that is committed."""

from __future__ import annotations

from sqlalchemy import Connection

from ..work import DeadLetter, Failure, Work

_OPTION = "scrypath_dead_letters"


def note_here(connection: Connection) -> list[DeadLetter]:
    """The list that dead letters of this connection are noted in from now on."""
    noted: list[DeadLetter] = []
    connection.execution_options(**{_OPTION: noted})
    return noted


def note(connection: Connection, item: Work, failure: Failure, documents: int) -> None:
    """Note that a work became a dead letter, where anybody wants to know."""
    noted: list[DeadLetter] | None = connection.get_execution_options().get(_OPTION)
    if noted is not None:
        noted.append(
            DeadLetter(
                id=item.id,
                index_uid=item.index_uid,
                documents=documents,
                reason_class=failure.reason_class,
                code=failure.code,
                task_id=item.task_id,
                worker=item.worker,
            )
        )
