"""Single changes are claimed before repairs and rebuilds, whatever their ids."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from scrypath_celery.ledger import Ledger, claims, works
from scrypath_celery.work import Claim, Failure, Mode, Operation, ReasonClass

pytestmark = pytest.mark.one_database


def write(ledger: Ledger, operation: Operation, *ids: str) -> int:
    return ledger.run(lambda tx: works.write(tx, "post", operation, ids, Mode.CELERY))[0]


def take(ledger: Ledger, documents: int = 5_000, **how: object) -> Claim | None:
    options: dict[str, object] = {"lease": 60.0, "worker": "test", **how}
    return ledger.run(lambda tx: claims.take(tx, "post", documents=documents, **options))  # type: ignore[arg-type]


def order(ledger: Ledger) -> list[tuple[str, ...]]:
    """The ids of all claims until nothing is left."""
    found = []
    while (claim := take(ledger)) is not None:
        found.append(claim.ids)
    return found


@pytest.mark.parametrize("rebuild", [Operation.BACKFILL, Operation.REINDEX])
@pytest.mark.parametrize("change", [Operation.UPSERT, Operation.DELETE])
def test_a_change_is_claimed_before_what_was_written_earlier(
    ledger: Ledger, change: Operation, rebuild: Operation
) -> None:
    write(ledger, rebuild, "old")
    write(ledger, change, "new")
    assert order(ledger) == [("new",), ("old",)]


def test_a_backfill_is_claimed_before_the_filling_of_a_new_index(ledger: Ledger) -> None:
    write(ledger, Operation.REINDEX, "target")
    write(ledger, Operation.BACKFILL, "live")
    assert order(ledger) == [("live",), ("target",)]


def test_a_change_that_is_retried_is_claimed_before_a_pending_backfill(ledger: Ledger) -> None:
    write(ledger, Operation.UPSERT, "change")
    claim = take(ledger)
    assert claim is not None
    failure = Failure(reason_class=ReasonClass.UNKNOWN, reason="again")
    write(ledger, Operation.BACKFILL, "repair")
    ledger.run(lambda tx: works.fail(tx, claim.token, claim.works[0], failure, ids=["change"], delay=0.0))
    assert order(ledger) == [("change",), ("repair",)]


def test_what_was_requeued_counts_as_a_change(ledger: Ledger) -> None:
    write(ledger, Operation.BACKFILL, "repair")
    ledger.run(lambda tx: works.requeue(tx, "post", ["again"]))
    assert order(ledger) == [("again",), ("repair",)]


def test_a_backfill_that_hangs_is_not_claimed_before_changes(ledger: Ledger) -> None:
    write(ledger, Operation.BACKFILL, "hangs")
    for _ in range(claims.SUSPECT):
        claim = take(ledger)
        assert claim is not None
        ledger.run(lambda tx, token=claim.token: works.give_back(tx, token, keep_claim_count=True))  # type: ignore[misc]
    write(ledger, Operation.UPSERT, "change")
    assert order(ledger) == [("change",), ("hangs",)]


def test_a_caller_that_names_its_works_gets_them_whatever_their_priority(ledger: Ledger) -> None:
    id = write(ledger, Operation.BACKFILL, "named")
    write(ledger, Operation.UPSERT, "other")
    claim = take(ledger, only=[id])
    assert claim is not None
    assert claim.ids == ("named",)


def test_what_an_older_release_wrote_without_a_priority_is_claimed(ledger: Ledger) -> None:
    row = "'post', 'backfill', '[\"1\"]', 1, 'celery', 'pending', 0, 0, 0, 0, 0"
    columns = "index_uid, operation, ids, documents, mode, state, attempts, claims"
    dates = "created_at, publish_after, available_at"
    ledger.run(lambda tx: tx.execute(text(f"INSERT INTO scrypath_work ({columns}, {dates}) VALUES ({row})")))
    assert order(ledger) == [("1",)]
