"""One registration: a record, or some ids, that a call wants works for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.orm import InstanceState, Session, SessionTransaction

from ..declaration.schema import Schema
from ..work import Mode, Operation
from . import record_ids
from .result import SyncResult


class Group(NamedTuple):
    """What one work may hold together."""

    uid: str
    operation: Operation
    mode: Mode


@dataclass(kw_only=True, eq=False)
class Registration:
    """One record, or some ids, that a call registered.

    `savepoint` is the one that the call was made in. `waiting`: its record had no key yet; `write_on_flush`: its
    session does not own its transaction: both are written at a flush.
    """

    schema: Schema
    operation: Operation
    result: SyncResult
    record: Any = None
    ids: dict[str, None] = field(default_factory=dict)
    state: InstanceState[Any] | None = None
    savepoint: SessionTransaction | None = None
    waiting: bool = False
    write_on_flush: bool = False

    def __post_init__(self) -> None:
        if self.record is not None:
            self.state = record_ids.state_of(self.record)
            self.waiting = not self.saved
            self.learn(record_ids.known_ids(self.schema, self.record))

    @property
    def group(self) -> Group:
        """The works that its ids belong to."""
        return Group(self.schema.uid, self.operation, self.result.mode)

    @property
    def saved(self) -> bool:
        """Whether its record has its key (ids have nothing to wait for)."""
        return self.state is None or self.state.has_identity

    @property
    def unsaved(self) -> bool:
        """Whether its record waits in the session for its first flush."""
        return self.state is not None and self.state.pending

    def learn(self, ids: Iterable[str]) -> None:
        """Add ids that it means."""
        self.ids.update(dict.fromkeys(ids))

    def before_flush(self, session: Session) -> None:
        """Learn the ids that the flush of a change would hide."""
        if (
            self.state is not None
            and self.state.has_identity
            and (self.state.modified or self.record in session.deleted)
        ):
            self.learn(record_ids.known_ids(self.schema, self.record))
            self.learn(record_ids.stored_ids(session, self.schema, self.record))

    def complete(self) -> None:
        """Learn the id that it has now, reading it where it is not loaded."""
        if self.record is not None:
            self.learn(record_ids.loaded_ids(self.schema, self.record))
