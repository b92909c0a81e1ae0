"""How each document of a claim ended: one outcome a document, and what becomes of the works that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..work import Failure, ReasonClass


class Outcome(StrEnum):
    """How one document ended in the run of a claim."""

    SETTLED = "settled"
    """The index says of it what the database says, or will once the engine is done."""
    UNKNOWN = "unknown"
    """It is not known whether the engine took it."""
    DEFERRED = "deferred"
    """Nothing was found out about it; it waits for another claim without spending an attempt."""
    RETRYABLE = "retryable"
    """It failed in a way that may pass: an attempt is spent."""
    PERMANENT = "permanent"
    """It is proven to be wrong."""


PRECEDENCE = (Outcome.SETTLED, Outcome.UNKNOWN, Outcome.DEFERRED, Outcome.RETRYABLE, Outcome.PERMANENT)
"""From the weakest to the strongest: of all that is found out about one document, the strongest stands."""

NOT_KNOWN = Failure(
    reason_class=ReasonClass.UNKNOWN, reason="it is not known whether the engine took the documents", code="unknown"
)


def stronger(one: Outcome, other: Outcome) -> Outcome:
    """The outcome of a document of which both were found out."""
    return max(one, other, key=PRECEDENCE.index)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a document ended, why, and which group it has to be tried with next (None: with whatever is ready)."""

    outcome: Outcome
    failure: Failure
    trial: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """Documents of one work that ended alike."""

    ending: Ending
    ids: tuple[str, ...]


class Outcomes:
    """The outcome of each document of a claim; those that nothing was noted of are settled."""

    def __init__(self) -> None:
        self._endings: dict[str, Ending] = {}

    def note(self, ids: Iterable[str], outcome: Outcome, failure: Failure, *, trial: str | None = None) -> None:
        """Note what was found out about these documents; what is stronger stands."""
        ending = Ending(outcome=outcome, failure=failure, trial=trial)
        for id in ids:
            if stronger(outcome, self.of(id)) is outcome:
                self._endings[id] = ending

    def of(self, id: str) -> Outcome:
        """How a document ended."""
        ending = self._endings.get(id)
        return Outcome.SETTLED if ending is None else ending.outcome

    def first(self, outcome: Outcome) -> Failure | None:
        """Why the first of the documents with this outcome ended so."""
        return next((ending.failure for ending in self._endings.values() if ending.outcome is outcome), None)

    def parts(self, ids: Sequence[str]) -> list[Part]:
        """The documents of a work that are not settled, by how they ended; the strongest outcome first.

        Those that are proven to be wrong are apart by their code, those that are tried in groups by their group.
        """
        found: dict[tuple[Outcome, str | None], list[str]] = {}
        for id in ids if self._endings else ():
            ending = self._endings.get(id)
            if ending is not None and ending.outcome is not Outcome.SETTLED:
                apart = ending.failure.code if ending.outcome is Outcome.PERMANENT else ending.trial
                found.setdefault((ending.outcome, apart), []).append(id)
        order = sorted(found, key=lambda key: -PRECEDENCE.index(key[0]))
        return [Part(ending=self._endings[found[key][0]], ids=tuple(found[key])) for key in order]
