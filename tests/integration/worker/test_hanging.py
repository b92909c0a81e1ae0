"""A record whose projection hangs: it holds one slot, is seen while it hangs, and ends as a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scrypath_celery.ledger import claims, maintenance, overview, tables, transitions, works
from scrypath_celery.ledger import stuck as stuck_work
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Claim, Failure, Mode, Operation, ReasonClass, State, Work
from tests.deadline import eventually
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

SECONDS = 60.0
OPTIONS = {"hang_seconds": 0.4, "time_limit": 5.0, "relay_period": 0.3, "backoff": 0.2, "publish_grace": 0.5}


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop with a broker of its own and short limits."""
    key = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    with FakeBroker() as broker:
        setup = Setup(
            broker=broker.url,
            database=f"sqlite:///{tmp_path / 'shop.db'}",
            meilisearch_url=scrypath_engine.url,
            options={**OPTIONS, **key},
        )
        opened = Shop(setup).create()
        yield opened
        opened.close()


def failed(shop: Shop) -> list[Work]:
    return [item for item in shop.works() if item.state is State.FAILED]


@pytest.mark.parametrize("body", ["hang", "hang on"])
def test_it_is_seen_while_it_hangs_and_fails_within_two_limits(
    shop: Shop, start_worker: Callable[..., Worker], body: str
) -> None:
    shop.add(1, 2, 3)
    shop.add(50, body=body)
    worker = start_worker("tests.shop_app", env=shop.setup.env())
    status = shop.search.sync_status
    found = eventually(lambda: status(Post).indexes[0].hanging, seconds=SECONDS, what="what hangs is seen")[0]
    assert (found.document_id, found.work_id is not None) == ("50", True)
    assert found.seconds >= OPTIONS["hang_seconds"]
    assert "@" in found.worker.split(":")[3]
    shop.add(60)  # the other slot goes on
    eventually(lambda: "60" in {item["id"] for item in documents(shop)}, seconds=SECONDS, what="another is indexed")
    eventually(lambda: failed(shop), seconds=SECONDS, what="it is a dead letter")
    [dead] = failed(shop)
    assert (dead.left, dead.reason_class, dead.error_code) == (("50",), ReasonClass.SOURCE, claims.HANGS)
    eventually(lambda: not shop.open(), seconds=SECONDS, what="all others are settled")
    assert {item["id"] for item in documents(shop)} == {"1", "2", "3", "60"}
    assert status(Post).indexes[0].hanging == ()
    if body == "hang":
        said = f"id={dead.id} source"  # by Celery, once the task is over
        eventually(lambda: said in worker.output(), seconds=SECONDS, what="the task ends with the id")


def documents(shop: Shop) -> list[dict[str, Any]]:
    schema = shop.search.schemas.of(Post)
    runtime = shop.search.runtime
    if runtime.engine.index(runtime.uid_of(schema)) is None:
        return []
    return [{"id": str(item["id"])} for item in runtime.engine.documents(runtime.uid_of(schema))]


def write(shop: Shop, *ids: str) -> int:
    return shop.search.ledger.run(lambda tx: works.write(tx, "posts", Operation.UPSERT, ids, Mode.CELERY))[0]


def take(shop: Shop) -> Claim:
    held = shop.search.ledger.run(lambda tx: claims.take(tx, "posts", documents=100, lease=60.0, worker="w:1:1"))
    assert held is not None
    return held


def mark(shop: Shop, claim: Claim, id: str) -> None:
    shop.search.ledger.run(lambda tx: stuck_work.mark(tx, claim.token, id=id, seconds=5.0, lease=300.0))


def free(shop: Shop, *, dead: bool) -> int:
    if not dead:
        shop.search.ledger.run(lambda tx: tx.execute(update(tables.claim).values(lease_until=0.0)))
    return shop.search.ledger.run(
        lambda tx: maintenance.free(tx, max_claims=5, watch=60.0, is_dead=lambda worker: dead)
    )


def states(shop: Shop) -> dict[str, State]:
    return {id: item.state for item in shop.works() for id in item.left}


def test_a_claim_with_a_hanging_record_is_held_as_long_as_its_task_may_take(shop: Shop) -> None:
    write(shop, "1")
    claim = take(shop)
    mark(shop, claim, "1")
    [found] = shop.search.ledger.read(lambda tx: overview.stuck(tx, "posts"))
    assert (found.work_id, found.document_id, found.worker) == (claim.works[0].id, "1", "w:1:1")
    row = shop.search.ledger.read(lambda tx: overview.claim_of(tx, claim.token))
    assert row is not None
    assert row.lease_until - shop.search.ledger.read(overview.time) > 290


@pytest.mark.parametrize("together", [True, False])
def test_its_process_is_killed_twice_and_only_it_fails(shop: Shop, together: bool) -> None:
    write(shop, "1", "2", "3") if together else [write(shop, id) for id in ("1", "2", "3")]
    mark(shop, take(shop), "2")
    assert free(shop, dead=True) == 1
    assert set(states(shop).values()) == {State.PENDING, State.RETRYING}
    innocent = take(shop)
    assert set(innocent.ids) == {"1", "3"}
    assert all(item.claims == 1 for item in shop.works() if "2" not in item.left)
    shop.search.ledger.run(lambda tx: tx.execute(update(tables.work).values(available_at=0.0)))
    guilty = take(shop)
    assert guilty.ids == ("2",)
    mark(shop, guilty, "2")
    free(shop, dead=True)
    assert states(shop) == {"1": State.PENDING, "2": State.FAILED, "3": State.PENDING}


def test_what_nothing_can_end_fails_when_its_lease_is_over(shop: Shop) -> None:
    write(shop, "1", "2")
    mark(shop, take(shop), "2")
    free(shop, dead=False)
    assert states(shop) == {"1": State.PENDING, "2": State.FAILED}
    assert take(shop).ids == ("1",)


def test_a_mark_of_a_record_that_went_on_blames_nobody(shop: Shop) -> None:
    write(shop, "1", "2")
    claim = take(shop)
    mark(shop, claim, "2")
    shop.search.ledger.run(lambda tx: stuck_work.forget(tx, claim.token))
    free(shop, dead=False)
    assert set(states(shop).values()) == {State.PENDING}


def test_a_retry_of_what_hung_is_run_again(shop: Shop) -> None:
    id = write(shop, "1")
    claim = take(shop)
    failure = Failure(reason_class=ReasonClass.SOURCE, reason="hangs", code=claims.HANGS)
    shop.search.ledger.run(lambda tx: works.fail(tx, claim.token, claim.works[0], failure, ids=["1"], delay=None))
    shop.search.ledger.run(lambda tx: transitions.move_one(tx, id, State.PENDING))
    assert take(shop).ids == ("1",)
