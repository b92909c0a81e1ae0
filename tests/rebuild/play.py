"""Playing schedules of rebuilds, with every mechanism on or one of them off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, update

import scrypath_celery.convergence.executor as executor
import scrypath_celery.ledger.claims as claims
import scrypath_celery.ledger.rebuilds as rebuilds
import scrypath_celery.rebuild.after_swap as after_swap
import scrypath_celery.rebuild.catch_up as catch_up
import scrypath_celery.rebuild.cutover as cutover
import scrypath_celery.rebuild.fill as fill
import scrypath_celery.rebuild.step as stepping
import scrypath_celery.source.source as source
from scrypath_celery.ledger import indexes, tables
from tests.convergence.stage import Stage
from tests.rebuild.world import RebuildWorld


def _set_by_anybody(connection: Connection, id: int, epoch: int, values: Mapping[str, Any]) -> bool:
    query = update(tables.rebuild).where(tables.rebuild.c.id == id, tables.rebuild.c.finished_at.is_(None))
    return connection.execute(query.values(dict(values))).rowcount > 0


def _nothing_claimed(connection: Connection, uid: str, number: int, **_: Any) -> tuple[int, list[str], bool]:
    row = indexes.get(connection, uid)
    return (row.last_number if row else 0), [], False


def _requeue_nothing(held: Any) -> None:
    held.save(counts={**held.row.counts, after_swap.AUDITED: True})


def _look_at_the_live_index(held: Any) -> bool:
    return cutover._holds(held, held.live)


class _ByAnybody:
    """The claims, with the fingerprint of whatever rebuild is there."""

    def __getattr__(self, name: str) -> Any:
        return getattr(claims, name)

    def take(self, connection: Connection, **options: Any) -> Any:
        row = indexes.get(connection, options["uid"])
        if row is not None and row.rebuild:
            options["fingerprint"] = row.rebuild["fingerprint"]
        return claims.take(connection, **options)


class _CatchUpWithNothing:
    def __getattr__(self, name: str) -> Any:
        return getattr(rebuilds, name)

    claimed_since: Callable[..., Any] = staticmethod(_nothing_claimed)


MECHANISMS: Mapping[str, Sequence[tuple[Any, str, Any]]] = {
    "epoch": [(rebuilds, "_set", _set_by_anybody)],
    "gate": [(stepping, "blocks", lambda held: {})],
    "catch-up": [(catch_up, "rebuilds", _CatchUpWithNothing())],
    "requeue": [(after_swap, "requeue", _requeue_nothing)],
    "rename": [(cutover, "was_swapped", _look_at_the_live_index)],
    "fingerprint": [(executor, "claims", _ByAnybody())],
}
"""What a rebuild stands on, and what each is replaced by where it is switched off."""


@contextmanager
def without(off: Iterable[str]) -> Iterator[None]:
    """Switch mechanisms off, with pages of two ids."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(fill, "MAX_IDS", 2))
        stack.enter_context(patch.object(source, "MAX_IDS", 2))
        for name in off:
            for module, attribute, replacement in MECHANISMS[name]:
                stack.enter_context(patch.object(module, attribute, replacement))
        yield


def play(seeds: Iterable[int], *, off: Iterable[str] = (), first: bool = False, **world: Any) -> dict[int, str]:
    """The schedules that did not end `equal`, by seed; with `first` none after the first one.

    One in which a process without its mechanism found itself where it cannot be is `impossible`.
    """
    found: dict[int, str] = {}
    with without(off), closing(Stage()) as stage:
        for seed in seeds:
            try:
                verdict = RebuildWorld(stage, seed, **world).run()
            except AssertionError:
                if not off:
                    raise
                verdict = "impossible"
            if verdict != "equal":
                found[seed] = verdict
                if first:
                    break
    return found
