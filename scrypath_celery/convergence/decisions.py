"""What follows from a failure: one table, by its scope and whether it is permanent."""

from __future__ import annotations

from enum import StrEnum

from ..work import Failure, Scope


class Action(StrEnum):
    """What is done about a failure."""

    PAUSE = "pause"
    """Nothing of the index is tried for a while; no work is to blame."""
    ISOLATE = "isolate"
    """The payload is sent again where nothing else can fail it."""
    SPLIT = "split"
    """The payload is sent again in two parts."""
    RETRY = "retry"
    """Its documents are tried again after a backoff, and an attempt is spent."""
    CONDEMN = "condemn"
    """Its documents are to blame: their works are dead letters."""


PAUSING = frozenset({Scope.INDEX, Scope.ENGINE, Scope.DATABASE})
"""Scopes in which no document is to blame."""


def decide(failure: Failure, *, documents: int = 1, proven: bool = True) -> Action:
    """What follows from a failure of so many documents.

    `proven` says that it concerns these documents and no others that the engine merged with them.
    """
    if failure.scope in PAUSING:
        return Action.PAUSE
    if failure.scope is Scope.PAYLOAD:
        if not proven:
            return Action.ISOLATE
        if documents > 1:
            return Action.SPLIT
    return Action.CONDEMN if failure.permanent else Action.RETRY
