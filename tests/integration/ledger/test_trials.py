"""Works on trial, and what may be claimed under a pause, on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from scrypath_celery.ledger import Ledger, claims, indexes, tables, works
from scrypath_celery.work import Claim, Failure, Mode, Operation, ReasonClass, Scope

pytestmark = pytest.mark.one_database


def write(ledger: Ledger, *ids: str) -> tuple[int, ...]:
    return ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ids, Mode.CELERY))


def take(ledger: Ledger) -> Claim | None:
    return ledger.run(lambda tx: claims.take(tx, "post", documents=5_000, lease=60.0, worker="test"))


def taken(ledger: Ledger) -> Claim:
    found = take(ledger)
    assert found is not None
    return found


def put_on_trial(ledger: Ledger, groups: dict[int, str]) -> None:
    with ledger.begin() as tx:
        for id, group in groups.items():
            tx.execute(update(tables.work).where(tables.work.c.id == id).values(trial=group))


def test_works_on_trial_are_claimed_apart_in_their_groups_by_one_claim_at_a_time(ledger: Ledger) -> None:
    (first,), (second,), (third,) = write(ledger, "1"), write(ledger, "2"), write(ledger, "3")
    write(ledger, "4")
    put_on_trial(ledger, {first: "a", second: "b", third: "a"})
    trial = taken(ledger)
    assert trial.trials == (("1", "3"), ("2",))
    assert not ledger.run(lambda tx: indexes.enter(tx, "post", "another", 60.0))
    (fifth,) = write(ledger, "5")
    put_on_trial(ledger, {fifth: "c"})
    others = taken(ledger)  # served meanwhile
    assert (others.ids, others.trials) == (("4",), ())
    assert take(ledger) is None
    ledger.run(lambda tx: indexes.leave(tx, "post", trial.token))
    assert taken(ledger).trials == (("5",),)


def test_a_work_on_trial_that_may_kill_its_process_is_claimed_alone(ledger: Ledger) -> None:
    (first,), (second,) = write(ledger, "1"), write(ledger, "2")
    put_on_trial(ledger, {first: "a", second: "a"})
    with ledger.begin() as tx:
        tx.execute(update(tables.work).where(tables.work.c.id == first).values(claims=claims.SUSPECT))
    assert taken(ledger).trials == (("2",),)
    assert taken(ledger).trials == (("1",),)


def test_a_pause_of_the_live_index_leaves_the_works_of_its_rebuild_ready(ledger: Ledger) -> None:
    for operation in Operation:
        with ledger.begin() as tx:
            works.write(tx, "post", operation, [operation.value], Mode.CELERY)
            indexes.ensure(tx, "post")
    failure = Failure(scope=Scope.INDEX, reason_class=ReasonClass.VALIDATION, reason="another key")
    ledger.run(lambda tx: indexes.pause(tx, "post", failure, 60.0))
    assert taken(ledger).ids == (Operation.REINDEX.value,)
    assert take(ledger) is None
    row = ledger.run(lambda tx: indexes.get(tx, "post"))
    assert row is not None
    assert row.pause is not None
    assert (row.pause.scope, row.pause.count) == (Scope.INDEX, 1)
