"""One registration: a record, or some ids, that a call wants works for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import InstanceState, Session, SessionTransaction

from ..declaration.fan_out import Route
from ..declaration.schema import Schema
from ..work import Mode, Operation
from . import record_ids, related_ids
from .registration_state import TRANSITIONS, Event, RegistrationState, next_state
from .result import ResultState, SyncResult

NOW = 0.0
"""When works are due that take the place of those for later, and are not for later themselves."""


class Group(NamedTuple):
    """What one work may hold together."""

    uid: str
    operation: Operation
    mode: Mode
    at: float | None = None
    fan_out: str | None = None
    is_ours: bool = True


def group_of(
    schema: Schema, operation: Operation, result: SyncResult, at: float | None = None, *, is_ours: bool = True
) -> Group:
    """The works that records of a schema belong to."""
    return Group(schema.uid, operation, result.mode, at, is_ours=is_ours)


@dataclass(kw_only=True, eq=False, slots=True)
class Registration:
    """One record, or some ids, that a call registered.

    `savepoint` is the one that the call was made in, `bind` where its data is written, `write_on_flush` says that
    every flush may be the last that its session is told of, since somebody else ends the transaction, `at` when its
    works are due (seconds since the epoch, or `NOW`; None: at once, beside what is for later). With a `route` it is a
    fan-out, and its ids are those of owners; `deletion_read` says that what it leads to was read before the deletion of
    the record. With `refers` the ids are those of the record that this fan-out's owner names. One that is not `is_ours`
    is for workers of another generation of the indexes. `has_copy` says of a record in no session that a merge put a
    copy of it into this one. `group` are the works that its ids belong to; where many are alike it is given as
    `known_group`.
    """

    schema: Schema
    operation: Operation
    result: SyncResult
    record: Any = None
    route: Route | None = None
    refers: Route | None = None
    ids: dict[str, None] = field(default_factory=dict)
    record_state: InstanceState[Any] | None = None
    savepoint: SessionTransaction | None = None
    bind: Engine | Connection | None = None
    write_on_flush: bool = False
    deletion_read: bool = False
    at: float | None = None
    has_copy: bool = False
    is_ours: bool = True
    state: RegistrationState = RegistrationState.OPEN
    known_group: InitVar[Group | None] = None
    group: Group = field(init=False)

    def __post_init__(self, known_group: Group | None) -> None:
        self.group = known_group if known_group is not None else self._group()
        if self.record is not None:
            state = self.record_state = record_ids.state_of(self.record)
            if state.key is None:
                self.state = RegistrationState.WAITING
            self.learn(self._told_ids())

    def _group(self) -> Group:
        if self.operation is Operation.FAN_OUT and self.route is not None:
            uid, key = self.route.target.uid, self.route.key
            return Group(uid, self.operation, self.result.mode, fan_out=key, is_ours=self.is_ours)
        return group_of(self.schema, self.operation, self.result, self.at, is_ours=self.is_ours)

    @property
    def saved(self) -> bool:
        """Whether its record has its key (ids have nothing to wait for)."""
        return self.record_state is None or self.record_state.key is not None

    def is_unsaved_in(self, session: Session) -> bool:
        """Whether its record waits in the session (or in another one) for its first flush."""
        state = self.record_state
        if state is None or state.key is not None:
            return False
        return state.session_id == session.hash_key or state.pending

    def advance(self, event: Event) -> None:
        """Take the step that an event makes of it; one that ends without a row says so in its call's result."""
        # Each registration takes three of them: its table is looked into right here.
        state = self.state = TRANSITIONS.get((self.state, event)) or next_state(self.state, event)
        if state is RegistrationState.DISCARDED:
            self.result.state = ResultState.DISCARDED

    def follow_key(self) -> None:
        """Wait for a key that the record has not, or no longer where it has one."""
        if self.state is RegistrationState.WAITING:
            if self.saved:
                self.advance(Event.KEY_KNOWN)
        elif self.state is RegistrationState.OPEN and not self.saved:
            self.advance(Event.KEY_LOST)

    def learn(self, ids: Iterable[str]) -> None:
        """Add ids that it means."""
        for id in ids:
            self.ids[id] = None

    def before_flush(self, session: Session) -> None:
        """Learn the ids that the flush of a change or of a deletion would hide."""
        state = self.record_state
        if state is None or state.key is None:
            return
        if state.modified or self.operation is Operation.DELETE or self.record in session.deleted:
            self.learn(self._told_ids())
            if self.refers is None:
                self.learn(record_ids.stored_ids(session, self.schema, self.record))
            else:
                self.learn(related_ids.stored_ids(session, self.refers, self.record))

    def complete(self) -> None:
        """Learn the id that it has now, reading it where it is not loaded."""
        if self.record is None:
            return
        if self.refers is None:
            self.learn(record_ids.loaded_ids(self.schema, self.record))
        else:
            self.learn(related_ids.loaded_ids(self.refers, self.record))

    @property
    def means_nothing(self) -> bool:
        """Whether its record is saved and refers to nothing."""
        return self.refers is not None and self.saved and not self.ids

    def _told_ids(self) -> list[str]:
        if self.refers is not None:
            return related_ids.told_ids(self.refers, self.record)
        return record_ids.known_ids(self.schema, self.record)
