"""The phases of a rebuild, and which may follow which: one table, by which every change is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What comes next; the last four are its ends."""

    CREATE = "create"
    FILL = "fill"
    ORPHANS = "orphans"
    CATCH_UP = "catch_up"
    CUT_OVER = "cut_over"
    AFTER_SWAP = "after_swap"
    KEPT = "kept"
    DONE = "done"
    ABORTED = "aborted"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


GIVEN_UP = frozenset({Phase.ABORTED, Phase.ABANDONED, Phase.EXPIRED})
"""Ends without an effect on the live index."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What may follow a phase, and what the row must hold so that another process can go on with it."""

    then: frozenset[Phase]
    resumed_by: tuple[str, ...] = ()


def _rule(*then: Phase, by: tuple[str, ...] = ()) -> Rule:
    return Rule(then=frozenset(then), resumed_by=by)


PHASES: Mapping[Phase, Rule] = {
    Phase.CREATE: _rule(Phase.FILL, *GIVEN_UP, by=("target", "noted")),
    Phase.FILL: _rule(Phase.FILL, Phase.CREATE, Phase.CATCH_UP, Phase.ORPHANS, *GIVEN_UP, by=("ranges",)),
    Phase.ORPHANS: _rule(Phase.ORPHANS, Phase.DONE, *GIVEN_UP, by=("counts",)),
    Phase.CATCH_UP: _rule(
        Phase.CATCH_UP, Phase.CUT_OVER, *GIVEN_UP, by=("target", "target_created", "noted", "catching")
    ),
    Phase.CUT_OVER: _rule(
        Phase.CATCH_UP,
        Phase.CUT_OVER,
        Phase.AFTER_SWAP,
        *GIVEN_UP,
        by=("target", "target_created", "renaming", "tried"),
    ),
    Phase.AFTER_SWAP: _rule(Phase.AFTER_SWAP, Phase.KEPT, Phase.DONE, by=("noted", "target")),
    Phase.KEPT: _rule(Phase.KEPT, Phase.CATCH_UP, Phase.DONE, by=("target", "keep_until", "rollback_from")),
    Phase.DONE: _rule(),
    Phase.ABORTED: _rule(),
    Phase.ABANDONED: _rule(),
    Phase.EXPIRED: _rule(),
}
"""A backfill goes from `fill` to `orphans` to `done`; a rollback from `kept` back to `catch_up`."""

ENDS = frozenset(phase for phase, rule in PHASES.items() if not rule.then)


def allowed(before: str, after: str) -> bool:
    """Whether a rebuild may go from one phase to another (staying where it is included)."""
    return before == after or Phase(after) in PHASES[Phase(before)].then
