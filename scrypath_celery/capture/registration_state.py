"""The states of a registration, and what each event of its session makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RegistrationState(StrEnum):
    """Where a registration stands.

    `open`: its ids are known, its row is not written. `waiting`: its record has no key yet. `written`: its row is in
    the session's transaction. `discarded`: nothing of it is in the ledger. `delivered`: its row is committed,
    or its session has left it to the owner of the connection.
    """

    OPEN = "open"
    WAITING = "waiting"
    WRITTEN = "written"
    DISCARDED = "discarded"
    DELIVERED = "delivered"


class Event(StrEnum):
    """What happens to a registration, as its session tells it."""

    KEY_KNOWN = "key_known"
    KEY_LOST = "key_lost"
    ROW_WRITTEN = "row_written"
    ROW_LOST = "row_lost"
    REOPENED = "reopened"
    ROLLED_BACK = "rolled_back"
    COMMITTED = "committed"
    LEFT = "left"
    ENDED = "ended"


UNWRITTEN = (RegistrationState.OPEN, RegistrationState.WAITING)
"""The states in which no row of a registration is in its transaction."""

_STATE = RegistrationState
TRANSITIONS: Mapping[tuple[RegistrationState, Event], RegistrationState] = {
    # A flush gives a new record its key; a savepoint that is rolled back takes it away again.
    (_STATE.WAITING, Event.KEY_KNOWN): _STATE.OPEN,
    (_STATE.OPEN, Event.KEY_LOST): _STATE.WAITING,
    (_STATE.OPEN, Event.ROW_WRITTEN): _STATE.WRITTEN,
    # A record that is in no session, but says its id: the original of a merge.
    (_STATE.WAITING, Event.ROW_WRITTEN): _STATE.WRITTEN,
    # The row was written in a savepoint that is rolled back, around which the registration goes on.
    (_STATE.WRITTEN, Event.ROW_LOST): _STATE.OPEN,
    # A later flush may have given the document another id.
    (_STATE.WRITTEN, Event.REOPENED): _STATE.OPEN,
    (_STATE.OPEN, Event.ROLLED_BACK): _STATE.DISCARDED,
    (_STATE.WAITING, Event.ROLLED_BACK): _STATE.DISCARDED,
    (_STATE.WRITTEN, Event.ROLLED_BACK): _STATE.DISCARDED,
    (_STATE.WRITTEN, Event.COMMITTED): _STATE.DELIVERED,
    # The session is closed, its row is in the transaction of whoever owns the connection.
    (_STATE.WRITTEN, Event.LEFT): _STATE.DELIVERED,
    # The transaction is over, and nothing was written for it: this is said in the log.
    (_STATE.OPEN, Event.ENDED): _STATE.DISCARDED,
    (_STATE.WAITING, Event.ENDED): _STATE.DISCARDED,
}
"""All transitions that there are."""


def next_state(state: RegistrationState, event: Event) -> RegistrationState:
    """The state after an event.

    Raises:
        ValueError: a registration in this state does not meet this event.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a registration that is {state} does not meet {event}") from None
