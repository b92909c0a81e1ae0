"""Resolving fan-outs: what is related to some owners is read now, in pages, and becomes ordinary works.

The fan-out was committed with the change of its owner and is read after that, so it sees what was linked before. What
is linked later has a work of its own, which is run after the change of the owner was committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from .. import tracing
from ..declaration.fan_out import Route
from ..declaration.routes import Routes
from ..errors import SourceError
from ..ledger import claims, fan_outs, works
from ..runtime import Runtime, identity
from ..source.isolation import concerns_the_database
from ..source.related import START, Related, related_page
from ..work import PRIORITY, Failure, Operation, ReasonClass, Scope, Work
from . import backoff
from .summary import Summary

RAISED = "fan_out_raised"
"""The error code of a fan-out whose `resolve` raised."""


@dataclass(kw_only=True)
class FanOuts:
    """The fan-outs into one index that a call of `run_ready_works` resolves beside its claims.

    `only` names the works to take; those that are written for them are added to it. `task_id` is the Celery task that
    runs them, if any.
    """

    runtime: Runtime
    uid: str
    only: list[int] | None = None
    task_id: str | None = None
    _failed: set[int] = field(default_factory=set)

    def page(self, total: Summary) -> bool:
        """Resolve one page of the fan-out that waits longest; false where none may be taken.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        routes = self.runtime.schemas.routes
        if not routes:
            return False
        into = {route.key: route for route in routes if route.target.uid == self.uid}
        lease, only = self.runtime.options.lease, self.only
        wanted = None if only is None else [id for id in only if id not in self._failed]
        take = partial(fan_outs.take, uid=self.uid, lease=lease, worker=identity(), only=wanted, keys=tuple(into))
        if not into or not self.runtime.ledger.read(lambda tx: fan_outs.waiting(tx, self.uid, wanted)):
            return False
        item = self.runtime.ledger.run(take)
        if item is None:
            return False
        assert item.fan_out is not None
        route, links = into[item.fan_out], (item.traceparent,)
        item = replace(item, task_id=self.task_id)
        name, index = route.target.name, self.runtime.uid_of(route.target)
        with tracing.span("fan_out", kind="consumer", links=links, schema=name, index=index, fan_out=route.key) as span:
            self._resolve(item, route, total)
            reason = total.failed.get(item.id) or total.retrying.get(item.id)
            if reason is not None:
                span.fail(reason.value)
        return True

    def _resolve(self, item: Work, route: Route, total: Summary) -> None:
        if item.claims > self.runtime.options.max_claims:
            text = f"taken {item.claims - 1} times and never resolved: its resolve= hangs or kills the process"
            failure = Failure(reason_class=ReasonClass.SOURCE, reason=text, code=claims.NEVER_SETTLED, permanent=True)
            self._fail(item, route, failure, total)
            return
        cursor = START if item.cursor is None else (int(item.cursor[0]), item.cursor[1])
        try:
            with self.runtime.source.opened(route.owner) as session:
                found = related_page(session, route, item.ids, cursor)
        except Exception as exc:  # noqa: BLE001 - the application's own code may raise anything
            self._fail(item, route, _failure(exc), total)
            return
        write = partial(_write, routes=self.runtime.schemas.routes, item=item, route=route, found=found)
        written = self.runtime.ledger.run(partial(write, alone=cursor == START and found.cursor is None))
        if written is None:
            return
        for uid, ids in written:
            total.fanned_out += ids
            if self.only is None:
                self.runtime.publish(uid, ids)
            elif uid == self.uid:
                self.only += ids
            else:
                total.elsewhere.setdefault(uid, []).extend(ids)
        if found.cursor is None:
            total.succeeded.append(item.id)

    def _fail(self, item: Work, route: Route, failure: Failure, total: Summary) -> None:
        self._failed.add(item.id)
        named = replace(failure, reason=f"{route.key} of {', '.join(item.ids[:5])}: {failure.reason}")
        wait, named = backoff.decide(self.runtime.options, item.attempts, named)
        if failure.scope is Scope.DATABASE:  # an outage costs no attempt, and is no reason to give up
            wait = wait if wait is not None else self.runtime.options.backoff_max
        if not self.runtime.ledger.run(partial(fan_outs.fail, item=item, failure=named, delay=wait)):
            return
        if wait is None:
            total.failed[item.id], total.codes[item.id] = named.reason_class, named.code or ""
        else:
            total.retrying[item.id] = named.reason_class
            total.retry_in = max(total.retry_in, wait)


def _write(
    connection: Connection, *, routes: Routes, item: Work, route: Route, found: Related, alone: bool
) -> list[tuple[str, tuple[int, ...]]] | None:
    """Write the works of one page, and how far was read; by index, None where the fan-out is another's by now.

    A page that is `alone` counts as changes of single records, others as bulk: they must not hold up what comes after.
    """
    if not fan_outs.move(connection, item, found.cursor):
        return None
    priority, target = None if alone else PRIORITY[Operation.BACKFILL], route.target
    write = partial(works.write, connection, mode=item.mode, publish_after=0.0)
    mark = fan_outs.mark_of(item.id)
    written = [(target.uid, write(target.uid, Operation.UPSERT, found.ids, priority=priority, fan_out=mark))]
    for one in routes.of(target) if route.chain else ():
        uid = one.target.uid
        written.append((uid, write(uid, Operation.FAN_OUT, found.ids, fan_out=one.key)))
    return written


def _failure(exc: Exception) -> Failure:
    told = exc.__cause__ or exc if isinstance(exc, SourceError) else exc
    told = getattr(told, "orig", None) or told
    return Failure(
        reason_class=ReasonClass.SOURCE,
        reason=f"its related records could not be read ({type(told).__name__})",
        code=RAISED,
        scope=Scope.DATABASE if concerns_the_database(exc) else Scope.DOCUMENT,
    )
