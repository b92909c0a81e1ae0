"""What a session has registered in its transaction: works to be written in it, and those that are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.orm import Session, SessionTransaction

from ..declaration.schema import Schema
from ..ledger import works
from ..runtime import Runtime
from ..work import MAX_IDS
from .after_commit import deliver
from .registration import Group, Registration
from .result import ResultState

COMMITTING = "scrypath_celery.committing"
"""In `session.info` from the start of a session's outermost commit to the end of its transaction."""


class Row(NamedTuple):
    """A written work, and the savepoint (None: the transaction) that it would vanish with."""

    work_id: int
    savepoint: SessionTransaction | None


class Register:
    """The registrations of one transaction of one session.

    A work is written as late as its transaction allows, so that many calls share one: at the flush that gives a new
    record its key, otherwise before the commit. Where the session does not own its transaction (it is bound to a
    Connection) every flush writes, since its data may be committed without a commit of the session.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.committed = False
        self._open: list[Registration] = []
        self._written: list[Registration] = []
        self._rows: dict[Group, dict[str, Row]] = {}
        self._connection: Connection | None = None

    def add(self, session: Session, registrations: Iterable[Registration]) -> None:
        """Take registrations in, as of the savepoint that the session is in."""
        # As adding a record does: what was registered belongs to a transaction, and a rollback takes it back.
        session._autobegin_t()
        savepoint = session.get_nested_transaction()
        for item in registrations:
            item.savepoint = savepoint
            item.write_on_flush = self._outer_connection(session, item.schema) is not None
            self._open.append(item)

    def before_flush(self, session: Session) -> None:
        """Learn the ids that the flush would hide."""
        for item in self._open:
            item.before_flush(session)

    def after_flush(self, session: Session) -> None:
        """Write what waited for its key; all that is saved where the flush may be the last."""
        committing = COMMITTING in session.info
        due = [item for item in self._open if item.waiting or item.write_on_flush or committing]
        if committing:
            # The commit's own flush may have given another id, which listeners or the database made up.
            due += [item for item in self._written if not item.schema.by_primary_key]
            self._written = [item for item in self._written if item.schema.by_primary_key]
        self._write(session, [item for item in due if item.saved])

    def before_commit(self, session: Session) -> None:
        """Write all but the records that the commit is about to flush."""
        self.before_flush(session)
        self._write(session, [item for item in self._open if not item.unsaved])

    def release(self, savepoint: SessionTransaction) -> None:
        """A savepoint is released: what was in it is in the one around it now."""
        outer = _around(savepoint)
        for item in (*self._open, *self._written):
            if item.savepoint is savepoint:
                item.savepoint = outer
        for rows in self._rows.values():
            for id, row in rows.items():
                if row.savepoint is savepoint:
                    rows[id] = row._replace(savepoint=outer)

    def roll_back(self, savepoint: SessionTransaction) -> None:
        """A savepoint is rolled back: what was registered in it is gone, what was written in it is open again."""
        lost = set()
        for rows in self._rows.values():
            for id in [id for id, row in rows.items() if row.savepoint is savepoint]:
                lost.add(rows.pop(id).work_id)
        for item in self._written:
            item.result.lose(lost)
        _discard(item for item in (*self._open, *self._written) if item.savepoint is savepoint)
        kept = [item for item in self._written if item.savepoint is not savepoint]
        self._open = [item for item in self._open if item.savepoint is not savepoint]
        self._open += [item for item in kept if not self._is_written(item)]
        self._written = [item for item in kept if self._is_written(item)]
        for item in self._open:
            item.waiting = not item.saved

    def end(self) -> None:
        """The transaction is over: hand on what it committed."""
        _discard(self._open)
        if not self.committed:
            _discard(self._written)
            return
        connection = self._connection
        if connection is not None and not connection.in_transaction():
            connection = None  # its owner left the commit to the session, so it is a real one
        rows = {group: [row.work_id for row in rows.values()] for group, rows in self._rows.items()}
        deliver(self.runtime, self._written, rows, connection)

    def _is_written(self, item: Registration) -> bool:
        rows = self._rows.get(item.group, {})
        return all(id in rows for id in item.ids)

    def _write(self, session: Session, items: Sequence[Registration]) -> None:
        groups: dict[Group, list[Registration]] = {}
        for item in items:
            item.complete()
            if item.ids:
                groups.setdefault(item.group, []).append(item)
        for group, members in groups.items():
            self._write_group(session, group, members)
            for item in members:
                item.waiting = False
                item.result.hold({self._rows[group][id].work_id for id in item.ids})
            self._written += members
        if groups:
            done = {id(item) for members in groups.values() for item in members}
            self._open = [item for item in self._open if id(item) not in done]

    def _write_group(self, session: Session, group: Group, members: Sequence[Registration]) -> None:
        rows = self._rows.setdefault(group, {})
        fresh = list(dict.fromkeys(id for item in members for id in item.ids if id not in rows))
        if not fresh:
            return
        schema = members[0].schema
        connection = session.connection(bind_arguments={"mapper": schema.mapper})
        self.runtime.ledger.admit(connection)
        self._connection = self._connection or self._outer_connection(session, schema)
        grace = self.runtime.options.publish_grace
        work_ids = works.write(connection, group.uid, group.operation, fresh, group.mode, publish_after=grace)
        savepoint = session.get_nested_transaction()
        for at, id in enumerate(fresh):
            rows[id] = Row(work_ids[at // MAX_IDS], savepoint)

    @staticmethod
    def _outer_connection(session: Session, schema: Schema) -> Connection | None:
        bind = session.get_bind(schema.mapper)
        return bind if isinstance(bind, Connection) else None


def _discard(items: Iterable[Registration]) -> None:
    for item in items:
        item.result.state = ResultState.DISCARDED


def _around(savepoint: SessionTransaction) -> SessionTransaction | None:
    outer = savepoint.parent
    while outer is not None and not outer.nested:
        outer = outer.parent
    return outer
