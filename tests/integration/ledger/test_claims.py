"""Claims on each database: their numbers, their leases, and what they may take."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, event, select, text, update

from scrypath_celery.errors import LedgerUnavailable
from scrypath_celery.ledger import Ledger, claims, indexes, maintenance, parts, tables, transitions, works
from scrypath_celery.work import Claim, Failure, Mode, Operation, ReasonClass, State, Work
from tests.deadline import eventually

pytestmark = pytest.mark.one_database

WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
    " ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()",
}
SERVERS = pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)


def write(ledger: Ledger, *ids: str) -> tuple[int, ...]:
    """A work for each id."""
    return ledger.run(lambda tx: tuple(works.write(tx, "post", Operation.UPSERT, [id], Mode.CELERY)[0] for id in ids))


def take(connection: Connection, *, documents: int = 5_000, **how: object) -> Claim | None:
    options: dict[str, object] = {"lease": 60.0, "worker": "test", **how}
    return claims.take(connection, "post", documents=documents, **options)  # type: ignore[arg-type]


def taken(ledger: Ledger, *, documents: int = 5_000, **how: object) -> Claim:
    found = ledger.run(lambda tx: take(tx, documents=documents, **how))
    assert found is not None
    return found


def work(ledger: Ledger, id: int) -> Work:
    return ledger.run(lambda tx: works.get(tx, id))


def expire(ledger: Ledger) -> None:
    """Let every lease be over."""
    ledger.run(lambda tx: tx.execute(update(tables.claim).values(lease_until=0.0)))


def free(ledger: Ledger) -> int:
    return ledger.run(lambda tx: maintenance.free(tx, max_claims=3, watch=60.0))


def test_a_claim_takes_what_is_ready_and_marks_it(ledger: Ledger) -> None:
    ids = write(ledger, "1", "2")
    claim = taken(ledger)
    assert (claim.number, claim.ids, tuple(item.id for item in claim.works)) == (1, ("1", "2"), ids)
    assert [work(ledger, id).state for id in ids] == [State.RUNNING] * 2
    assert ledger.run(take) is None


def test_a_claim_takes_no_more_documents_than_it_may(ledger: Ledger) -> None:
    write(ledger, "1", "2", "3")
    assert taken(ledger, documents=2).ids == ("1", "2")
    assert taken(ledger, documents=2).ids == ("3",)


def test_a_large_call_becomes_several_works(ledger: Ledger) -> None:
    names = [str(number) for number in range(2_500)]
    ids = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, names, Mode.CELERY))
    assert [work(ledger, id).documents for id in ids] == [1_000, 1_000, 500]
    assert taken(ledger).ids == tuple(names)


def test_numbers_have_no_gap_and_no_work_is_claimed_twice(ledger: Ledger) -> None:
    write(ledger, *map(str, range(120)))

    def worker(_: int) -> list[Claim]:
        found = []
        while (claim := ledger.run(lambda tx: take(tx, documents=4))) is not None:
            found.append(claim)
        return found

    with ThreadPoolExecutor(4) as pool:
        all_claims = [claim for found in pool.map(worker, range(4)) for claim in found]
    assert sorted(claim.number for claim in all_claims) == list(range(1, len(all_claims) + 1))
    assert sorted((id for claim in all_claims for id in claim.ids), key=int) == [str(number) for number in range(120)]


@SERVERS
def test_a_claim_waits_for_the_one_before_it_so_numbers_are_in_the_order_of_commits(
    ledger: Ledger, engine: Engine
) -> None:
    write(ledger, "1", "2")
    indexed = taken(ledger, documents=1)
    write(ledger, "3")
    # A transaction would go on seeing who waited at its start.
    watching = engine.execution_options(isolation_level="AUTOCOMMIT")
    with ThreadPoolExecutor(1) as pool, watching.connect() as watcher:
        with ledger.begin() as connection:
            first = take(connection, documents=1)
            second = pool.submit(ledger.run, take)
            query = text(WAITING[engine.dialect.name])
            eventually(lambda: watcher.execute(query).scalar(), what="the second claim waits for a lock")
            assert not second.done()
        found = second.result()
    assert first is not None
    assert found is not None
    assert (indexed.number, first.number, found.number) == (1, 2, 3)
    assert found.ids == ("3",)


@SERVERS
def test_a_claim_passes_by_works_that_somebody_else_has_locked(ledger: Ledger, engine: Engine) -> None:
    locked, free_one = write(ledger, "1", "2")
    with engine.begin() as other:
        other.execute(select(tables.work.c.id).where(tables.work.c.id == locked).with_for_update())
        assert [item.id for item in taken(ledger).works] == [free_one]
    assert [item.id for item in taken(ledger).works] == [locked]


def test_work_that_is_not_committed_is_not_claimed(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as application:
        application.execute(text("SELECT 1"))
        works.write(application, "post", Operation.UPSERT, ["1"], Mode.CELERY)
        if engine.dialect.name != "sqlite":  # there a writer keeps every other one waiting
            assert ledger.run(take) is None
        application.rollback()
    assert ledger.run(take) is None


def test_work_that_runs_in_its_caller_is_left_to_it_for_a_while(ledger: Ledger) -> None:
    ids = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.INLINE))
    assert ledger.run(take) is None
    assert tuple(item.id for item in taken(ledger, only=ids).works) == ids


def test_a_paused_index_is_left_alone_and_then_probed_by_one_claim(ledger: Ledger) -> None:
    failure = Failure(reason_class=ReasonClass.TRANSPORT, reason="away")
    write(ledger, "1")
    first = taken(ledger)
    ledger.run(lambda tx: works.give_back(tx, first.token, keep_claim_count=False))
    ledger.run(lambda tx: indexes.pause(tx, "post", failure, 60.0))
    assert ledger.run(take) is None
    ledger.run(lambda tx: indexes.pause(tx, "post", failure, -1.0))
    write(ledger, "2")
    assert taken(ledger, documents=1).ids == ("1",)
    assert ledger.run(take) is None
    assert ledger.run(lambda tx: indexes.resume(tx, "post"))
    assert taken(ledger).ids == ("2",)


def test_a_lease_that_ran_out_gives_the_work_back_and_its_old_holder_settles_nothing(ledger: Ledger) -> None:
    (id,) = write(ledger, "1")
    first = taken(ledger)
    assert free(ledger) == 0
    expire(ledger)
    assert free(ledger) == 1
    second = taken(ledger)
    assert second.number == 2
    assert not ledger.run(lambda tx: claims.hold(tx, first.token, 60.0))
    assert ledger.run(lambda tx: works.succeed(tx, first.token, [id], [])) == 0
    assert ledger.run(lambda tx: works.succeed(tx, second.token, [id], [7])) == 1
    assert work(ledger, id).state is State.SUCCEEDED


def test_a_claim_that_shares_ids_with_a_later_one_is_told_so(ledger: Ledger) -> None:
    write(ledger, "1")
    write(ledger, "2")
    first = taken(ledger)
    write(ledger, "2", "3")
    second = taken(ledger)
    assert ledger.run(lambda tx: claims.newer_ids(tx, first)) == {"2"}
    assert ledger.run(lambda tx: claims.newer_ids(tx, second)) == set()


def test_a_work_that_never_settles_is_split_until_one_document_is_to_blame(ledger: Ledger) -> None:
    ids = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2", "3", "4"], Mode.CELERY))
    other = write(ledger, "5")
    rounds = 0
    while (claim := ledger.run(take)) is not None:
        rounds += 1
        fine = [item.id for item in claim.works if "3" not in item.left]
        if any("3" in item.left for item in claim.works):
            expire(ledger)
            free(ledger)
        else:
            ledger.run(lambda tx, token=claim.token, fine=fine: works.succeed(tx, token, fine, []))  # type: ignore[misc]
        assert rounds < 30
    failed = ledger.run(lambda tx: works.listed(tx, [State.FAILED]))
    assert [(item.left, item.reason_class, item.error_code) for item in failed] == [
        (("3",), ReasonClass.SOURCE, "never_settled")
    ]
    assert work(ledger, other[0]).state is State.SUCCEEDED
    settled = ledger.run(lambda tx: works.listed(tx, [State.SUCCEEDED]))
    assert sorted(id for item in settled for id in item.left) == ["1", "2", "4", "5"]
    assert ids[0] in {item.id for item in (*settled, *failed)}


def blocked(ledger: Ledger, engine: Engine, *, free_after: int) -> tuple[Callable[[], object], list[int]]:
    """A ledger call that waits for a lock of another connection, which is let go after so many failures."""
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    failures = [0]

    def hold() -> Connection:
        held = engine.connect()
        held.begin()
        held.execute(update(tables.index).values(pauses=1))
        return held

    with ThreadPoolExecutor(1) as another:  # a lock of the calling thread's own would never be given back
        holder = another.submit(hold).result()

    @event.listens_for(engine, "handle_error")
    def count(_: object) -> None:
        failures[0] += 1
        if failures[0] == free_after:
            holder.close()

    def change(connection: Connection) -> None:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        elif engine.dialect.name == "mysql":
            connection.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
        indexes.write_rebuild(connection, "post", {"id": 7})

    def call() -> object:
        try:
            return ledger.run(change)
        finally:
            holder.close()

    return call, failures


@pytest.fixture
def with_timeouts(engine: Engine) -> None:
    """SQLite waits for a lock for 50 ms; the servers are told so in the transaction."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def hasten(connection: object, _: object) -> None:
            connection.execute("PRAGMA busy_timeout = 50")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("with_timeouts")
def test_a_transaction_that_lost_a_lock_wait_is_run_again(ledger: Ledger, engine: Engine) -> None:
    call, failures = blocked(ledger, engine, free_after=2)
    call()
    assert failures == [2]
    row = ledger.run(lambda tx: indexes.get(tx, "post"))
    assert row is not None
    assert row.rebuild == {"id": 7}


@pytest.mark.usefixtures("with_timeouts")
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_transaction_that_never_gets_its_lock_is_given_up_with_one_clear_error(
    ledger: Ledger, engine: Engine
) -> None:
    call, failures = blocked(ledger, engine, free_after=0)
    with pytest.raises(LedgerUnavailable):
        call()
    assert failures == [5]


def fail(ledger: Ledger, claim: Claim, *ids: str) -> None:
    failure = Failure(reason_class=ReasonClass.VALIDATION, reason="wrong")
    ledger.run(lambda tx: works.fail(tx, claim.token, claim.works[0], failure, ids=ids, delay=0.0))


def test_a_partial_failure_leaves_what_failed_and_keeps_the_ids(ledger: Ledger) -> None:
    (id,) = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2", "3"], Mode.CELERY))
    fail(ledger, taken(ledger), "2", "3")
    item = work(ledger, id)
    assert (item.ids, item.remaining, item.left, item.documents) == (("1", "2", "3"), ("2", "3"), ("2", "3"), 2)
    again = taken(ledger)
    assert again.ids == ("2", "3")
    fail(ledger, again, "3")
    assert (work(ledger, id).ids, work(ledger, id).left) == (("1", "2", "3"), ("3",))


def test_a_split_keeps_the_ids_of_the_first_half(ledger: Ledger) -> None:
    (id,) = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2", "3", "4"], Mode.CELERY))
    fail(ledger, taken(ledger), "2", "3", "4")
    held = taken(ledger)
    other = ledger.run(lambda tx: parts.split(tx, held.works[0]))
    assert (work(ledger, id).ids, work(ledger, id).left) == (("1", "2", "3", "4"), ("2",))
    assert (work(ledger, other).ids, work(ledger, other).left) == (("3", "4"), ("3", "4"))
    assert work(ledger, other).claim_number == held.number


def test_a_dead_letter_that_is_retried_runs_what_is_left_of_it(ledger: Ledger) -> None:
    (id,) = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2"], Mode.CELERY))
    claim = taken(ledger)
    failure = Failure(reason_class=ReasonClass.VALIDATION, reason="wrong")
    ledger.run(lambda tx: works.fail(tx, claim.token, claim.works[0], failure, ids=["2"], delay=None))
    ledger.run(lambda tx: transitions.move_one(tx, id, State.PENDING))
    assert taken(ledger).ids == ("2",)


def free_dead(ledger: Ledger, *, max_claims: int = 3) -> int:
    """A pass that takes every worker for dead."""
    return ledger.run(lambda tx: maintenance.free(tx, max_claims=max_claims, watch=60.0, is_dead=lambda worker: True))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("documents", [1, 2, 8])
def test_workers_that_are_taken_for_dead_wrongly_cost_no_work(ledger: Ledger, documents: int) -> None:
    names = [str(number) for number in range(documents)]
    ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, names, Mode.CELERY))
    held = [taken(ledger)]
    for _ in range(30):
        if free_dead(ledger) and (claim := ledger.run(take)) is not None:
            held.append(claim)
    assert ledger.run(lambda tx: works.listed(tx, [State.FAILED])) == []
    # Whoever holds a work at last is left alone with it, and can settle it.
    fine = [item.id for item in held[-1].works]
    assert ledger.run(lambda tx: works.succeed(tx, held[-1].token, fine, [])) == len(fine)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_work_that_kills_its_process_fails_once_its_lease_is_over(ledger: Ledger) -> None:
    (id,) = write(ledger, "1")
    for _ in range(3):
        taken(ledger)
        free_dead(ledger)
    assert work(ledger, id).state is State.RUNNING
    expire(ledger)
    assert free_dead(ledger) == 1
    assert (work(ledger, id).state, work(ledger, id).error_code) == (State.FAILED, "never_settled")
