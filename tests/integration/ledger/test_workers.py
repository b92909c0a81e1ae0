"""The workers that the ledger knows of, so that one that does not answer can be named."""

from __future__ import annotations

from sqlalchemy import update

from scrypath_celery.ledger import Ledger, claims, tables, workers, works
from scrypath_celery.runtime import identity, is_dead
from scrypath_celery.work import Mode, Operation


def known(ledger: Ledger) -> list[tuple[str, bool, int]]:
    return [(one.name, one.ago is not None, one.claims) for one in ledger.read(workers.known)]


def test_a_worker_is_known_from_its_note_until_it_shuts_down(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.run(lambda tx: workers.note(tx, "w1@here"))
    ledger.run(lambda tx: workers.note(tx, "w2@here"))
    assert known(ledger) == [("w1@here", True, 0), ("w2@here", True, 0)]
    ledger.run(lambda tx: workers.forget(tx, "w1@here"))
    assert known(ledger) == [("w2@here", True, 0)]


def test_one_that_was_not_seen_for_an_hour_is_forgotten(ledger: Ledger) -> None:
    ledger.run(lambda tx: workers.note(tx, "w1@here"))
    ledger.run(lambda tx: tx.execute(update(tables.worker).values(seen_at=1.0)))
    assert known(ledger) == []
    ledger.run(lambda tx: workers.note(tx, "w2@here"))
    assert ledger.read(lambda tx: tx.execute(tables.worker.select()).all())[0].name == "w2@here"


def test_one_that_holds_a_claim_is_known_by_it(ledger: Ledger) -> None:
    ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.CELERY))
    me = identity("w3@here")
    assert ledger.run(lambda tx: claims.take(tx, "post", documents=9, lease=60.0, worker=me)) is not None
    assert known(ledger) == [("w3@here", False, 1)]
    assert not is_dead(me)
    assert workers.node_of(identity()) == ""
