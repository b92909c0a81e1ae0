"""The states of a registration."""

from __future__ import annotations

import pytest

from scrypath_celery.capture.registration_state import TRANSITIONS, Event, RegistrationState, next_state

OVER = {RegistrationState.DISCARDED, RegistrationState.DELIVERED}


def test_nothing_follows_what_is_discarded_or_delivered() -> None:
    assert {state for state, _ in TRANSITIONS} == set(RegistrationState) - OVER


@pytest.mark.parametrize("state", sorted(set(RegistrationState) - OVER))
def test_every_state_has_a_way_out_by_a_rollback(state: RegistrationState) -> None:
    assert next_state(state, Event.ROLLED_BACK) is RegistrationState.DISCARDED


def test_only_what_is_written_is_delivered() -> None:
    assert {state for (state, _), found in TRANSITIONS.items() if found is RegistrationState.DELIVERED} == {
        RegistrationState.WRITTEN
    }


def test_an_event_that_cannot_happen_is_an_error() -> None:
    with pytest.raises(ValueError, match="delivered does not meet committed"):
        next_state(RegistrationState.DELIVERED, Event.COMMITTED)
