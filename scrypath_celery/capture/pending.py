"""What a session has registered in its transaction: works to be written in it, and those that are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, NestedTransaction, RootTransaction, Transaction, event
from sqlalchemy.orm import Session, SessionTransaction

from ..logs import log
from ..notices import WorkEnqueued
from ..runtime import Runtime
from ..work import MAX_IDS
from .after_commit import Written, deliver
from .generations import in_all_generations
from .registration import Group, Registration
from .registration_state import UNWRITTEN, Event, RegistrationState
from .related import registrations_of_deleted, write_group
from .result import SyncResult
from .session_resolution import joined, refuse_translation
from .unheld import note_copies, warn_of_unheld


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
        self._outer: Connection | None = None
        self._root: RootTransaction | None = None
        self._root_committed = False
        self._joined: Transaction | None = None

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
            self._learn(session, registrations)
        if committing and not flushing:
            self._write(session, [item for item in registrations if item.saved])

    def before_flush(self, session: Session) -> list[Registration]:
        """Learn the ids that the flush would hide; all registrations of which no row is written."""
        note_copies(session, self._items)
        unwritten = self._unwritten()
        return unwritten + self._learn(session, unwritten)

    def after_flush(self, session: Session, *, committing: bool) -> None:
        """Write what waited for its key; all that is saved where the flush may be the last."""
        due = self._unwritten()
        if not committing:
            due = [item for item in due if item.state is RegistrationState.WAITING or item.write_on_flush]
        else:
            # The commit's own flush may have given another id, which listeners or the database made up.
            again = [item for item in self._written() if not item.schema.by_primary_key]
            for item in again:
                item.advance(Event.REOPENED)
            due += again
        self._write(session, [item for item in due if item.saved])

    def before_commit(self, session: Session) -> None:
        """Write all but the records that the commit is about to flush."""
        self._write(session, [item for item in self.before_flush(session) if not item.is_unsaved_in(session)])

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
        for group, rows in self._rows.items():
            # Which date was the last is decided anew: all of them are written again, in their order.
            for id in [id for id, row in rows.items() if row.savepoint is savepoint or group.at is not None]:
                lost.add(rows.pop(id).work_id)
        for item in self._items:
            is_written = item.state is RegistrationState.WRITTEN
            if is_written:
                item.result.lose(lost)
            if item.savepoint is savepoint:
                item.advance(Event.ROLLED_BACK)
            elif is_written and not self._has_rows(item):
                item.advance(Event.ROW_LOST)
        self._items = [item for item in self._items if item.savepoint is not savepoint]
        for item in self._items:
            item.follow_key()

    def end(self, *, committed: bool, rolled_back: bool) -> None:
        """The transaction is over: hand on what it committed, itself or by whoever owns its connection."""
        written = self._written()
        ending = self._ending(committed=committed, rolled_back=rolled_back)
        if not rolled_back:
            self._say_discarded([] if ending is Event.ROLLED_BACK else written)
        for item in self._items:
            item.advance(ending if item.state is RegistrationState.WRITTEN else Event.ENDED)
        outer = self._outer
        if outer is not None:
            event.remove(outer, "commit", self._note_commit)
            if not outer.in_transaction():
                outer = None  # its owner left the commit to the session, so it is a real one
        if ending is Event.COMMITTED:
            self._hand_on(written, outer)

    def _hand_on(self, items: Sequence[Registration], outer: Connection | None) -> None:
        """Tell of what is committed, and hand it on; `outer` is the connection of a transaction that is still open."""
        written = {
            group: Written(tuple({row.work_id: None for row in rows.values()}), rows.keys())
            for group, rows in self._rows.items()
            if rows
        }
        if outer is None and self.runtime.hears(WorkEnqueued):
            self.runtime.tell([_enqueued(group, one) for group, one in written.items()])
        deliver(self.runtime, items, written, outer)

    def _ending(self, *, committed: bool, rolled_back: bool) -> Event:
        if committed or self._root_committed:
            return Event.COMMITTED
        undone = rolled_back or (isinstance(self._joined, NestedTransaction) and not self._joined.is_active)
        if not undone and self._root is not None and self._root.is_active:
            return Event.LEFT
        return Event.ROLLED_BACK

    def _say_discarded(self, found: Sequence[Registration]) -> None:
        """Say what was registered in vain: all but `found`."""
        if len(found) == len(self._items):  # nearly always
            return
        # Of a deletion whose id was not loaded, what was registered before the flush knows it.
        named, done = {id(item.record) for item in found if item.record is not None}, {id(item) for item in found}
        for item in self._items:
            if id(item) not in done and id(item.record) not in named:
                _say_discarded(item)

    def _learn(self, session: Session, items: Sequence[Registration]) -> list[Registration]:
        """Learn their ids; what is registered beside them, since it is related to what the flush deletes."""
        routed = []
        for item in items:
            item.before_flush(session)
            if item.route is not None and item.is_ours:
                routed.append(item)
        if not routed:  # nearly always
            return []
        lost = registrations_of_deleted(session, self.runtime.schemas.routes, routed)
        for item in lost:
            item.savepoint = session.get_nested_transaction()
        found = in_all_generations(self.runtime, lost)
        self._items += found
        return found

    # Of thousands of registrations each call shows, so states are compared right here.

    def _unwritten(self) -> list[Registration]:
        """Those of which no row is in the transaction."""
        return [item for item in self._items if item.state in UNWRITTEN]

    def _written(self) -> list[Registration]:
        """Those whose row is in the transaction."""
        return [item for item in self._items if item.state is RegistrationState.WRITTEN]

    def _has_rows(self, item: Registration) -> bool:
        rows = self._rows.get(item.group, {})
        return all(id in rows for id in item.ids)

    def _write(self, session: Session, items: Sequence[Registration]) -> None:
        if not items:
            return
        groups: dict[tuple[Group, object, int], list[Registration]] = {}
        dates, at = 0, None
        for item in items:
            item.follow_key()
            item.complete()
            if item.ids and item.state in UNWRITTEN:  # reading an id may flush, and the flush may write it
                if item.at is not None and item.at != at:  # dates are written one after the other: the last one holds
                    dates, at = dates + 1, item.at
                groups.setdefault((item.group, item.bind, dates if item.at is not None else 0), []).append(item)
        for (group, _, _), members in groups.items():
            warn_of_unheld(session, members)
            rows = self._write_group(session, group, members)
            held: dict[int, tuple[SyncResult, set[int]]] = {}
            for item in members:
                item.advance(Event.ROW_WRITTEN)
                result = item.result
                if id(result) not in held:
                    held[id(result)] = result, set()
                for one in item.ids:
                    held[id(result)][1].add(rows[one].work_id)
            for result, works in held.values():
                result.hold(works)

    def _write_group(self, session: Session, group: Group, members: Sequence[Registration]) -> Mapping[str, Row]:
        """Write what is not written yet; the rows of the group, by document id."""
        first = members[0]
        bind = first.bind
        assert bind is not None
        connection, self._joined = joined(session, bind)
        refuse_translation(session, first.schema, connection)
        if isinstance(bind, Connection):
            self._follow_owner(connection, bind)
        rows = self._rows.setdefault(group, {})
        fresh = list(dict.fromkeys([id for item in members for id in item.ids if id not in rows]))
        if not fresh:
            return rows
        self.runtime.ledger.admit(connection)
        work_ids = write_group(self.runtime, connection, group, fresh)
        each = 1 if group.at else MAX_IDS
        savepoint = session.get_nested_transaction()
        if group.at is not None:
            self._replace_dates(group, fresh)
        written = [Row(work_id, savepoint) for work_id in work_ids]
        for place, id in enumerate(fresh):
            rows[id] = written[place // each]
        return rows

    def _replace_dates(self, group: Group, ids: Sequence[str]) -> None:
        """Forget the works of other dates, which the ones of this date have replaced."""
        for other, rows in self._rows.items():
            if other.at is not None and other.uid == group.uid:
                for id in ids:
                    rows.pop(id, None)

    def _follow_owner(self, connection: Connection, outer: Connection) -> None:
        """Forget rows that the owner of the connection has committed, or rolled back, without the session's help."""
        if self._outer is None:
            event.listen(outer, "commit", self._note_commit)
        root = connection.get_transaction()
        if self._root is not None and root is not self._root:
            done = self._written()
            self._items = [item for item in self._items if item.state is not RegistrationState.WRITTEN]
            for item in done:
                item.advance(Event.COMMITTED if self._root_committed else Event.ROLLED_BACK)
            if self._root_committed:
                self._hand_on(done, None)
            self._rows, self._root_committed = {}, False
        self._outer, self._root = outer, root

    def _note_commit(self, connection: Connection) -> None:
        if connection.get_transaction() is self._root:
            self._root_committed = True


def _enqueued(group: Group, written: Written) -> WorkEnqueued:
    documents = len(written.documents)
    return WorkEnqueued(index_uid=group.uid, operation=group.operation, works=written.works, documents=documents)


def _say_discarded(item: Registration) -> None:
    if item.means_nothing or not item.is_ours:
        return
    why = "its transaction ended without a commit of the session"
    if not item.saved:
        why = "its record was never saved"
    elif not item.ids:
        why = "its document id is not known"
    log("registration_discarded", schema=item.schema.name, reason=why)


def _around(savepoint: SessionTransaction) -> SessionTransaction | None:
    outer = savepoint.parent
    while outer is not None and not outer.nested:
        outer = outer.parent
    return outer
