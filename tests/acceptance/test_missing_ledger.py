"""A worker that is started before the ledger was made."""

from __future__ import annotations

from collections.abc import Callable

from scrypath_celery.ledger import tables
from tests.deadline import eventually
from tests.shop import Shop
from tests.worker import Worker

LINE = "nothing is synced: the database has no ledger yet: run `scrypath-celery ledger upgrade`"


def test_a_worker_without_a_ledger_says_so_in_one_line_and_then_goes_on(
    open_shop: Callable[..., Shop], start_shop_worker: Callable[..., Worker], sqlite_url: str, fakeredis_url: str
) -> None:
    shop = open_shop(broker=fakeredis_url, database=sqlite_url, options={"relay_period": 0.2})
    tables.metadata.drop_all(shop.engine)
    worker = start_shop_worker(shop)
    eventually(lambda: worker.output().count("'ledger_missing'") > 3, what="some passes were made in vain")
    assert worker.output().count(LINE) == 1
    assert "Traceback" not in worker.output()

    shop.search.ledger.create_all()
    shop.add(1)
    eventually(shop.in_step, what="the post is searchable")


def test_a_worker_that_never_had_a_ledger_ends_without_a_word_of_claims(
    open_shop: Callable[..., Shop], start_shop_worker: Callable[..., Worker], sqlite_url: str, fakeredis_url: str
) -> None:
    shop = open_shop(broker=fakeredis_url, database=sqlite_url)
    tables.metadata.drop_all(shop.engine)
    worker = start_shop_worker(shop)
    worker.stop()
    assert "claim could not be released" not in worker.output()
