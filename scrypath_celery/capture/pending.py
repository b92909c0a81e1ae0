"""What a session has registered in its transaction: works to be written in it, and those that are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.orm import Session, SessionTransaction

from ..ledger import scheduled, works
from ..runtime import Runtime
from ..work import MAX_IDS
from .after_commit import deliver
from .registration import Group, Registration
from .registration_state import Event, RegistrationState
from .session_resolution import outer_connection, refuse_translation

logger = logging.getLogger("scrypath_celery")


class Row(NamedTuple):
    """A written work, and the savepoint (None: the transaction) that it would vanish with."""

    work_id: int
    savepoint: SessionTransaction | None


class PendingWorks:
    """The registrations of one transaction of one session.

    A work is written as late as its transaction allows, so that many calls share one: at the flush that gives a new
    record its key, otherwise before the commit. Where the session does not own its transaction (it is bound to a
    Connection) every flush writes, since its data may be committed without a commit of the session.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._items: list[Registration] = []
        self._rows: dict[Group, dict[str, Row]] = {}
        self._connection: Connection | None = None
        self._root: RootTransaction | None = None

    def add(self, session: Session, registrations: Sequence[Registration], *, flushing: bool, committing: bool) -> None:
        """Take registrations in, as of the savepoint that the session is in.

        Once the session's commit has begun, what can be written is written at once; a flush writes at its end.
        """
        savepoint = session.get_nested_transaction()
        for item in registrations:
            item.savepoint = savepoint
            item.write_on_flush = isinstance(item.bind, Connection)
        self._items += registrations
        if flushing or committing:
            for item in registrations:
                item.before_flush(session)
        if committing and not flushing:
            self._write(session, [item for item in registrations if item.saved])

    def before_flush(self, session: Session) -> None:
        """Learn the ids that the flush would hide."""
        for item in self._items:
            if item.unwritten:
                item.before_flush(session)

    def after_flush(self, session: Session, *, committing: bool) -> None:
        """Write what waited for its key; all that is saved where the flush may be the last."""
        due = [item for item in self._items if item.unwritten]
        if not committing:
            due = [item for item in due if item.state is RegistrationState.WAITING or item.write_on_flush]
        else:
            # The commit's own flush may have given another id, which listeners or the database made up.
            again = [item for item in self._items if item.is_written and not item.schema.by_primary_key]
            for item in again:
                item.advance(Event.REOPENED)
            due += again
        self._write(session, [item for item in due if item.saved])

    def before_commit(self, session: Session) -> None:
        """Write all but the records that the commit is about to flush."""
        self.before_flush(session)
        self._write(session, [item for item in self._items if item.unwritten and not item.unsaved])

    def release(self, savepoint: SessionTransaction) -> None:
        """A savepoint is released: what was in it is in the one around it now."""
        outer = _around(savepoint)
        for item in self._items:
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
        for item in self._items:
            if item.is_written:
                item.result.lose(lost)
            if item.savepoint is savepoint:
                item.advance(Event.ROLLED_BACK)
            elif item.is_written and not self._has_rows(item):
                item.advance(Event.ROW_LOST)
        self._items = [item for item in self._items if item.savepoint is not savepoint]
        for item in self._items:
            item.follow_key()

    def end(self, *, committed: bool, rolled_back: bool) -> None:
        """The transaction is over: hand on what it committed."""
        written = [item for item in self._items if item.is_written]
        if not rolled_back:
            for item in self._items:
                if not (item.is_written and committed):
                    _say_discarded(item)
        for item in self._items:
            ending = Event.COMMITTED if committed else Event.ROLLED_BACK
            item.advance(ending if item.is_written else Event.ENDED)
        if committed:
            connection = self._connection
            if connection is not None and not connection.in_transaction():
                connection = None  # its owner left the commit to the session, so it is a real one
            deliver(self.runtime, written, self._work_ids(), connection)

    def _work_ids(self) -> Mapping[Group, Sequence[int]]:
        """The works to be handed on: those for later are nobody's yet."""
        return {group: [row.work_id for row in rows.values()] for group, rows in self._rows.items() if group.at is None}

    def _has_rows(self, item: Registration) -> bool:
        rows = self._rows.get(item.group, {})
        return all(id in rows for id in item.ids)

    def _write(self, session: Session, items: Sequence[Registration]) -> None:
        groups: dict[tuple[Group, object], list[Registration]] = {}
        for item in items:
            item.follow_key()
            item.complete()
            if item.ids and item.unwritten:  # reading an id may flush, and the flush may write it
                groups.setdefault((item.group, item.bind), []).append(item)
        for (group, _), members in groups.items():
            self._write_group(session, group, members)
            for item in members:
                item.advance(Event.ROW_WRITTEN)
                item.result.hold({self._rows[group][id].work_id for id in item.ids})

    def _write_group(self, session: Session, group: Group, members: Sequence[Registration]) -> None:
        first = members[0]
        connection = session.connection(bind_arguments={"bind": first.bind, "mapper": first.schema.mapper})
        refuse_translation(first.schema, connection)
        self._follow_owner(connection, outer_connection(first.bind))
        rows = self._rows.setdefault(group, {})
        fresh = list(dict.fromkeys(id for item in members for id in item.ids if id not in rows))
        if not fresh:
            return
        self.runtime.ledger.admit(connection)
        grace = self.runtime.options.publish_grace
        if group.at is not None:
            work_ids, each = scheduled.write(connection, group.uid, fresh, group.at), 1
        else:
            work_ids, each = (
                works.write(connection, group.uid, group.operation, fresh, group.mode, publish_after=grace),
                MAX_IDS,
            )
        savepoint = session.get_nested_transaction()
        for place, id in enumerate(fresh):
            rows[id] = Row(work_ids[place // each], savepoint)

    def _follow_owner(self, connection: Connection, outer: Connection | None) -> None:
        """Forget rows that the owner of the connection has committed, or rolled back, without the session's help."""
        if outer is None:
            return
        root = connection.get_transaction()
        if self._root is not None and root is not self._root:
            done = [item for item in self._items if item.is_written]
            for item in done:
                item.advance(Event.COMMITTED)
            self._items = [item for item in self._items if not any(item is one for one in done)]
            # Handing on works that were rolled back does no harm: nobody finds them.
            deliver(self.runtime, done, self._work_ids(), None)
            self._rows = {}
        self._connection, self._root = outer, root


def _say_discarded(item: Registration) -> None:
    why = "its transaction ended without a commit of the session"
    if not item.saved:
        why = "its record was never saved"
    elif not item.ids:
        why = "its document id is not known"
    logger.warning("a registration of %s is discarded: %s", item.schema.name, why)


def _around(savepoint: SessionTransaction) -> SessionTransaction | None:
    outer = savepoint.parent
    while outer is not None and not outer.nested:
        outer = outer.parent
    return outer
