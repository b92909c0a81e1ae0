"""Telling what happened: each notice as a log line and a signal, dead letters as events of Celery's, too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from .declaration.registry import Schemas
from .error_tracking import group_dead_letters
from .logs import log, wants
from .notices import (
    SHOWN,
    Claimed,
    DeadLetter,
    DriftFound,
    IndexPaused,
    IndexResumed,
    Notice,
    RebuildFinished,
    RebuildProgress,
    Settled,
    WorkEnqueued,
)
from .work import ReasonClass

if TYPE_CHECKING:
    from celery.utils.dispatch import Signal

_SIGNALS = f"{__package__}.signals"
Payload = dict[str, Any]

EVENTS: Mapping[type[Notice], tuple[str, str]] = {
    WorkEnqueued: ("work_enqueued", "work_enqueued"),
    Claimed: ("claimed", "claimed"),
    Settled: ("settled", "claim_settled"),
    DeadLetter: ("dead_lettered", "dead_letter"),
    IndexPaused: ("index_paused", "index_paused"),
    IndexResumed: ("index_resumed", "index_resumed"),
    RebuildProgress: ("rebuild_progress", "rebuild_progress"),
    RebuildFinished: ("rebuild_finished", "rebuild_finished"),
    DriftFound: ("drift_found", "drift_found"),
}
"""The signal and the log line of each kind of notice."""


@dataclass(kw_only=True)
class Teller:
    """Tells the notices of one `Scrypath`; never raises, since what they say is committed.

    `index_of` gives the engine's uid of an index, `to_celery` leaves events of dead letters for those who watch Celery,
    `report` says whether dead letters are reported to error trackers.
    """

    schemas: Schemas
    index_of: Callable[[str], str]
    to_celery: Callable[[Sequence[DeadLetter]], None]
    report: bool

    def __call__(self, notices: Sequence[Notice]) -> None:
        try:
            self._tell(notices)
        except Exception as exc:  # noqa: BLE001 - whatever goes wrong here must not reach who settles works
            log("notice_not_told", error=type(exc).__name__)

    def _tell(self, notices: Sequence[Notice]) -> None:
        dead = [notice for notice in notices if isinstance(notice, DeadLetter)]
        for notice in notices:
            if not isinstance(notice, DeadLetter):
                self._say(notice, *_line(notice))
        if dead:
            group_dead_letters()
            for group in _alike(dead):
                reported = self.report and not group[0].told_by_task
                self._say(group[0], "dead_letter", logging.ERROR if reported else None, group)
            self.to_celery(dead)

    def _say(self, notice: Notice, event: str, level: int | None, group: Sequence[DeadLetter] = ()) -> None:
        signal = signal_of(type(notice))
        if signal is None and not wants(event, level):  # nearly all that is written and claimed
            return
        schema = self.schemas.by_uid(notice.index_uid)
        about: Payload = {
            "schema": notice.index_uid if schema is None else schema.name,
            "index": self.index_of(notice.index_uid),
        }
        about |= dead_letters(group) if group else payload(notice)
        log(event, level=level, **about)
        if signal is not None:
            signal.send(sender=None if schema is None else schema.model, **about)


def heard(kind: type[Notice]) -> bool:
    """Whether anybody listens to a kind of notice whose log line has a level of its own."""
    return signal_of(kind) is not None or wants(EVENTS[kind][1])


def signal_of(kind: type[Notice]) -> Signal | None:
    """The signal that tells a kind of notice; None where nobody listens."""
    signals = sys.modules.get(_SIGNALS)  # loads Celery: whoever listens has imported it
    signal: Signal | None = getattr(signals, EVENTS[kind][0], None)
    return signal if signal is not None and signal.receivers else None


def payload(notice: Notice) -> Payload:
    """What a notice says, in plain values; of the ids of works the first ones, and how many there are."""
    found: Payload = {}
    for field in fields(notice):
        value = getattr(notice, field.name)
        if field.name == "works":
            found |= {"works": value[:SHOWN], "count": len(value)}
        elif field.name == "seconds" and value is not None:
            found["seconds"] = round(value, 3)
        elif field.name != "index_uid":
            found[field.name] = value.value if isinstance(value, Enum) else value
    return found


def dead_letters(group: Sequence[DeadLetter]) -> Payload:
    """What is said of dead letters of one reason class and code."""
    return {
        "works": tuple(one.id for one in group[:SHOWN]),
        "count": len(group),
        "documents": sum(one.documents for one in group),
        "reason_class": group[0].reason_class.value,
        "code": group[0].code or "",
    }


def _alike(found: Sequence[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    """Dead letters of one index, reason class and code, those that a task tells apart from the others."""
    groups: dict[tuple[object, ...], list[DeadLetter]] = {}
    for one in found:
        groups.setdefault((one.index_uid, one.reason_class, one.code, one.told_by_task), []).append(one)
    return iter(groups.values())


def _line(notice: Notice) -> tuple[str, int | None]:
    """The log line of a notice, and its level where it is another than the line's."""
    if isinstance(notice, IndexPaused) and notice.reason_class is ReasonClass.AUTH:
        return "index_paused", logging.ERROR  # a key does not come back by itself
    if isinstance(notice, RebuildProgress) and notice.blocked:
        return "rebuild_blocked", None
    if isinstance(notice, RebuildProgress) and notice.phase_began:
        return "rebuild_phase", None
    return EVENTS[type(notice)][1], None
