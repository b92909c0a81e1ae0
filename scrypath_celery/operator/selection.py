"""Which works an operator means: what is given by name and date, as a filter of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, TypedDict, TypeVar

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import WorkError
from ..ledger import overview
from ..ledger.selection import Grouping, Order, WorkFilter
from ..work import ReasonClass, State

E = TypeVar("E", bound=StrEnum)

AnyState = State | Literal["pending", "running", "submitted", "retrying", "succeeded", "failed", "cancelled"]
AnyClass = (
    ReasonClass | Literal["validation", "transport", "backend_rejected", "auth", "source", "queue_exhausted", "unknown"]
)
AnyOrder = Order | Literal["newest", "oldest"]
AnyGrouping = Grouping | Literal["class", "code", "schema", "hour"]


class Selection(TypedDict, total=False):
    """What works may be chosen by; all parts that are given must hold.

    `states` are names of states. `reason_class` and `code` say why they are retried or failed. `since` and `until` are
    a date (UTC where it has no zone), or how long ago on the ledger's clock; they concern when a work last ended, or
    was written where it never did. `document` is the id of a document, `ids` are ids of works.
    """

    states: Sequence[AnyState] | None
    reason_class: AnyClass | None
    code: str | None
    since: datetime | timedelta | None
    until: datetime | timedelta | None
    document: str | None
    ids: Iterable[int] | None


class Listing(Selection, total=False):
    """Which works are listed, and how.

    `order` is by when they ended. `limit` is the most rows (50; None: all), `after` the `next` of the page before; `by`
    counts them by `code`, `schema` or `hour` too.
    """

    order: AnyOrder
    limit: int | None
    after: int | None
    by: AnyGrouping


def resolved(
    connection: Connection, chosen: Selection, schemas: Sequence[Schema] | None = None, *, states: Sequence[State]
) -> WorkFilter:
    """The filter of a selection, of some schemas or all (None); in these states where it names none.

    Raises:
        WorkError: it names a state or a reason class that does not exist.
    """
    reason_class, ids, named = chosen.get("reason_class"), chosen.get("ids"), chosen.get("states")
    return WorkFilter(
        states=tuple(dict.fromkeys(member(State, one) for one in named)) if named else tuple(states),
        index_uids=None if schemas is None else tuple(schema.uid for schema in schemas),
        reason_class=None if reason_class is None else member(ReasonClass, reason_class),
        code=chosen.get("code"),
        since=_seconds(connection, chosen.get("since")),
        until=_seconds(connection, chosen.get("until")),
        document=chosen.get("document"),
        ids=None if ids is None else tuple(dict.fromkeys(ids)),
    )


def member(kind: type[E], name: str) -> E:
    """The member of an enumeration of this name.

    Raises:
        WorkError: there is none.
    """
    try:
        return kind(name)
    except ValueError:
        raise WorkError(f"{name!r} is not one of {', '.join(one.value for one in kind)}") from None


def _seconds(connection: Connection, moment: datetime | timedelta | None) -> float | None:
    """A moment on the ledger's clock, in seconds since the epoch."""
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        return overview.time(connection) - moment.total_seconds()
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
