"""Retrying and cancelling many works at once: a filter, a snapshot of their ids, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypedDict, Unpack

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import WorkError
from ..ledger import selection, transitions
from ..ledger.selection import Order, WorkFilter
from ..ledger.transitions import Moved
from ..runtime import Runtime
from ..work import State, Work
from .acting import somebody
from .retry import check_retry, of_schemas
from .selection import Selection, resolved

CHUNK = 500
"""Works that one transaction changes, and that one message names."""

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many are done, and of how many."""


@dataclass(frozen=True, kw_only=True)
class BulkResult:
    """What became of the works that a filter left.

    `matching` is how many the filter left, `ids` the snapshot of those that were to be changed (`limit` may leave some
    out), `done` those that were, and `skipped` says why one of them was not.
    """

    matching: int
    ids: tuple[int, ...]
    done: tuple[int, ...] = ()
    skipped: Mapping[int, str] = field(default_factory=dict)
    dry_run: bool = False


class BulkOptions(TypedDict, total=False):
    """How many works are changed at once. The ids are taken first: what fails meanwhile is not among them.

    Without a filter it needs `all`; `limit` is the most works, the oldest first. A dry run changes nothing. `by` is who
    did it, as the ledger keeps it (default: user and host of this process).
    """

    all: bool
    limit: int | None
    dry_run: bool
    by: str | None
    progress: Progress | None


class Choice(Selection, BulkOptions, total=False):
    """Which works are changed, and how."""


def bulk_retry(
    runtime: Runtime,
    schemas: Sequence[Schema] | None = None,
    chosen: Selection | None = None,
    **how: Unpack[BulkOptions],
) -> BulkResult:
    """Give the works that `chosen` leaves (dead letters, where it names no state) to the workers again.

    Raises:
        WorkError: no filter and not `all`, or a state that cannot be retried. LedgerError: the ledger cannot be used.
    """
    check, after = partial(check_retry, runtime, schemas), partial(_publish, runtime)
    return _change(runtime, schemas, chosen or {}, how, to=State.PENDING, check=check, after=after, what="retry")


def bulk_cancel(
    runtime: Runtime,
    schemas: Sequence[Schema] | None = None,
    chosen: Selection | None = None,
    **how: Unpack[BulkOptions],
) -> BulkResult:
    """Give up the works that `chosen` leaves (dead letters, where it names no state).

    Raises:
        WorkError: no filter and not `all`, or a state that cannot be cancelled. LedgerError: the ledger cannot be used.
    """
    check = partial(_check_cancel, runtime, schemas)
    return _change(
        runtime, schemas, chosen or {}, how, to=State.CANCELLED, check=check, after=lambda items: None, what="cancel"
    )


def _change(
    runtime: Runtime,
    schemas: Sequence[Schema] | None,
    chosen: Selection,
    how: BulkOptions,
    *,
    to: State,
    check: Callable[[Connection, Work], None],
    after: Callable[[Sequence[Work]], None],
    what: str,
) -> BulkResult:
    ids, matching = _snapshot(runtime, schemas, chosen, to, all=how.get("all", False), limit=how.get("limit"))
    if how.get("dry_run"):
        return BulkResult(matching=matching, ids=ids, dry_run=True)
    act = partial(_moved, to=to, by=how.get("by") or somebody(), check=check)
    return _in_chunks(runtime, ids, matching, act, after, what, how.get("progress"))


def _snapshot(
    runtime: Runtime, schemas: Sequence[Schema] | None, chosen: Selection, to: State, *, all: bool, limit: int | None
) -> tuple[tuple[int, ...], int]:
    """The ids of the works to change, oldest first, and how many the filter leaves."""

    def look(connection: Connection) -> tuple[tuple[int, ...], int]:
        where = resolved(connection, chosen, schemas, states=(State.FAILED,))
        empty = WorkFilter(states=(State.FAILED,), index_uids=where.index_uids)
        if where.ids is not None and where == replace(empty, ids=where.ids):
            return where.ids[:limit], len(where.ids)  # named one by one: what cannot be is skipped with the reason
        if where.is_open and not (all or chosen.get("states")):
            raise WorkError(f"nothing is {transitions.VERB[to]} without a filter: name one, or say that all are meant")
        for state in where.states:
            if state not in transitions.ALLOWED[to]:
                raise WorkError(f"works that are {state} cannot be {transitions.VERB[to]}")
        ids = selection.select_ids(connection, where, order=Order.OLDEST, limit=limit)
        matching = len(ids) if limit is None or len(ids) < limit else selection.count_works(connection, where)
        return tuple(ids), matching

    return runtime.ledger.read(look)


Act = Callable[[Sequence[int], Connection], Moved]


def _moved(
    ids: Sequence[int], connection: Connection, *, to: State, by: str, check: Callable[[Connection, Work], None]
) -> Moved:
    return transitions.move(connection, ids, to, by=by, check=partial(check, connection))


def _in_chunks(
    runtime: Runtime,
    ids: tuple[int, ...],
    matching: int,
    act: Act,
    after: Callable[[Sequence[Work]], None],
    what: str,
    progress: Progress | None,
) -> BulkResult:
    done: list[int] = []
    skipped: dict[int, str] = {}
    for start in range(0, len(ids), CHUNK):
        # A transaction that lost a deadlock runs again: its results replace those of the first try.
        moved = runtime.ledger.run(partial(act, ids[start : start + CHUNK]))
        skipped.update(moved.refused)
        done += [item.id for item in moved.works]
        after(moved.works)
        if progress is not None:
            progress(what, min(start + CHUNK, len(ids)), len(ids))
    return BulkResult(matching=matching, ids=ids, done=tuple(done), skipped=skipped)


def _publish(runtime: Runtime, items: Sequence[Work]) -> None:
    of: dict[str, list[int]] = {}
    for item in items:
        of.setdefault(item.index_uid, []).append(item.id)
    for uid, ids in of.items():
        runtime.publish(uid, tuple(ids))


def _check_cancel(runtime: Runtime, schemas: Sequence[Schema] | None, connection: Connection, item: Work) -> None:
    of_schemas(runtime, schemas, item)
