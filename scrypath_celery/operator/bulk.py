"""Retrying many dead letters at once: a filter, a snapshot of their ids, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import WorkError
from ..ledger import overview
from ..runtime import Runtime
from ..work import ReasonClass
from .retry import retried

CHUNK = 500
"""Works that one transaction retries, and that one message names."""


@dataclass(frozen=True, kw_only=True)
class BulkRetry:
    """`ids` is the snapshot of what the filter found; `skipped` says why one of them was not retried."""

    ids: tuple[int, ...]
    retried: tuple[int, ...] = ()
    skipped: Mapping[int, str] = field(default_factory=dict)
    dry_run: bool = False


def bulk_retry(
    runtime: Runtime,
    schema: Schema | None = None,
    *,
    reason_class: ReasonClass | None = None,
    since: float | None = None,
    dry_run: bool = False,
) -> BulkRetry:
    """Give the dead letters of a schema and class, failed within the last `since` seconds, to the workers again.

    What fails while this runs is not in the snapshot. A dry run changes nothing.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    find = partial(
        overview.dead_letters,
        index_uid=schema.uid if schema is not None else None,
        reason_class=reason_class,
        since=since,
    )
    ids = runtime.ledger.read(lambda tx: find(tx))
    done: list[int] = []
    skipped: dict[int, str] = {}
    for start in range(0, 0 if dry_run else len(ids), CHUNK):
        # A transaction that lost a deadlock runs again: its results replace those of the first try.
        taken, refused = runtime.ledger.run(partial(_retried, runtime=runtime, ids=ids[start : start + CHUNK]))
        skipped.update(refused)
        for uid, works in taken.items():
            done += works
            runtime.publish(uid, tuple(works))
    return BulkRetry(ids=tuple(ids), retried=tuple(done), skipped=skipped, dry_run=dry_run)


def _retried(
    connection: Connection, *, runtime: Runtime, ids: Sequence[int]
) -> tuple[dict[str, list[int]], dict[int, str]]:
    taken: dict[str, list[int]] = {}
    refused: dict[int, str] = {}
    for id in ids:
        try:
            taken.setdefault(retried(connection, runtime, id, None).index_uid, []).append(id)
        except WorkError as exc:
            refused[id] = str(exc)
    return taken, refused
