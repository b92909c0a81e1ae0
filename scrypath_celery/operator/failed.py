"""Lists of works: what failed and what is being retried, with why; and works in any other state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..ledger import overview, selection
from ..ledger.selection import Group, Grouping, Order, WorkFilter
from ..runtime import Runtime
from ..work import OPEN, ReasonClass, State
from .display_name import display_name
from .selection import Selection, resolved
from .serialization import iso, to_datetime
from .work_rows import WorkRow, described

SHOWN = (State.FAILED, State.RETRYING)
"""States of work that is listed as failed."""

UNSETTLED = (*OPEN, State.FAILED)
"""States of work that is listed where none is named: all but the history."""

PAGE = 50
"""Rows of a page where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """How many works of one reason class are dead letters, and how many are being retried."""

    reason_class: ReasonClass
    failed: int
    retrying: int


@dataclass(frozen=True, kw_only=True)
class GroupCount:
    """How many works have one key: an error code, a schema (or the uid of an index without one), an hour."""

    key: str | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Failed:
    """One page of works, and what the filter leaves in all.

    `total`, `by_class`, `by_state` and `groups` count every work that the filter leaves; `by_class` has every class
    that there is, `groups` is empty where nothing but classes was asked for. `next` is the id to give as `after` for
    the page that follows, None where this is the last.
    """

    total: int
    by_class: Mapping[ReasonClass, int]
    by_state: Mapping[State, int]
    classes: tuple[ClassCount, ...]
    groups: tuple[GroupCount, ...]
    works: tuple[WorkRow, ...]
    next: int | None


def failed(
    runtime: Runtime,
    schemas: Sequence[Schema] | None = None,
    chosen: Selection | None = None,
    *,
    order: Order = Order.NEWEST,
    limit: int | None = PAGE,
    after: int | None = None,
    by: Grouping = Grouping.CLASS,
    states: Sequence[State] = SHOWN,
) -> Failed:
    """Failed and retrying works, or those that `chosen` leaves, of some schemas or of all that the ledger holds.

    `limit` is the most rows (0: counts alone; None: all), `after` the id that the page before ended with. `states` are
    those that count where `chosen` names none.

    Raises:
        WorkError: there is no work `after`, or no such state or class. LedgerError: the ledger cannot be read.
    """

    def look(connection: Connection) -> Failed:
        where = resolved(connection, chosen or {}, schemas, states=states)
        more = None if limit is None else limit + 1
        found = [] if limit == 0 else selection.select_works(connection, where, order=order, limit=more, after=after)
        shown, now = found[:limit], overview.time(connection)
        counted = _counted(connection, where)
        return Failed(
            total=sum(group.count for group in counted),
            by_class=by_class(counted),
            by_state=_by_state(counted, where),
            classes=classes(counted),
            groups=_groups(connection, runtime, where, by),
            works=tuple(described(runtime, item, now=now) for item in shown),
            next=shown[-1].id if len(found) > len(shown) else None,
        )

    return runtime.ledger.read(look)


def _counted(connection: Connection, where: WorkFilter) -> list[Group]:
    """The works of a filter by state and class; successes have none, and are the long history."""
    others = tuple(state for state in where.states if state is not State.SUCCEEDED)
    found = selection.group_works(connection, replace(where, states=others), Grouping.CLASS)
    if State.SUCCEEDED in where.states:
        count = selection.count_works(connection, replace(where, states=(State.SUCCEEDED,)))
        found.append(Group(key=None, state=State.SUCCEEDED, count=count))
    return found


def by_class(groups: Sequence[Group]) -> Mapping[ReasonClass, int]:
    """How many works have each reason class there is; those without one are left out."""
    counts = dict.fromkeys(ReasonClass, 0)
    for group in groups:
        if group.key is not None or group.state in SHOWN:
            counts[ReasonClass.read(_text(group.key))] += group.count
    return counts


def classes(groups: Sequence[Group | overview.FailedGroup]) -> tuple[ClassCount, ...]:
    """The rollup of failed and retrying works by the classes that occur, in the order of `ReasonClass`."""
    counts: dict[ReasonClass, dict[State, int]] = {}
    for group in groups:
        if group.state in SHOWN:
            name = ReasonClass.read(_text(group.key)) if isinstance(group, Group) else group.reason_class
            states = counts.setdefault(name, {})
            states[group.state] = states.get(group.state, 0) + group.count
    return tuple(
        ClassCount(
            reason_class=reason_class,
            failed=counts[reason_class].get(State.FAILED, 0),
            retrying=counts[reason_class].get(State.RETRYING, 0),
        )
        for reason_class in ReasonClass
        if reason_class in counts
    )


def _by_state(groups: Sequence[Group], where: WorkFilter) -> Mapping[State, int]:
    counts = dict.fromkeys(where.states, 0)
    for group in groups:
        counts[group.state] += group.count
    return counts


def _groups(connection: Connection, runtime: Runtime, where: WorkFilter, by: Grouping) -> tuple[GroupCount, ...]:
    """The counts by code, schema or hour: what is most first, hours the newest first."""
    if by is Grouping.CLASS:
        return ()
    counts: dict[str | float | None, int] = {}
    for group in selection.group_works(connection, where, by):
        counts[group.key] = counts.get(group.key, 0) + group.count
    if by is Grouping.HOUR:
        order = sorted(counts, key=lambda key: -float(key or 0.0))
    else:
        order = sorted(counts, key=lambda key: (-counts[key], str(key)))
    return tuple(GroupCount(key=_shown(runtime, by, key), count=counts[key]) for key in order)


def _shown(runtime: Runtime, by: Grouping, key: str | float | None) -> str | None:
    if key is None:
        return None
    if by is Grouping.HOUR:
        date: datetime | None = to_datetime(float(key))
        return iso(date) if date is not None else None
    schema = runtime.schemas.by_uid(str(key)) if by is Grouping.SCHEMA else None
    return display_name(runtime.schemas, schema) if schema is not None else str(key)


def _text(key: str | float | None) -> str | None:
    return None if key is None else str(key)
