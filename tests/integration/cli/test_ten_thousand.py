"""Ten thousand dead letters: what failed in the last minute is found, retried, and a class is given up."""

from __future__ import annotations

import re

from sqlalchemy import insert

from scrypath_celery.ledger import overview, tables
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.work import State
from tests.integration.cli.conftest import Run
from tests.shop import Post, Shop

CLASSES = ("validation", "transport", "backend_rejected", "auth", "source")


def old_dead_letters(shop: Shop, count: int) -> None:
    """Dead letters of five classes, none of the last ten minutes."""
    at = shop.search.ledger.read(overview.time)
    row = {"index_uid": "posts", "operation": "upsert", "documents": 1, "mode": "celery", "state": "failed"}
    rows = []
    for n in range(count):
        time = at - 600.0 - n
        dated = dict.fromkeys(("created_at", "publish_after", "available_at", "finished_at"), time)
        told = {"reason_class": CLASSES[n % 5], "error_code": "projection", "reason": "it failed long ago"}
        rows.append({**row, **dated, **told, "ids": [str(1000 + n)]})
    with shop.engine.begin() as connection:
        connection.execute(insert(tables.work), rows)


def test_three_commands_find_and_retry_what_failed_now_and_give_up_a_class(
    run: Run, shop: Shop, scrypath_broker: FakeBroker
) -> None:
    shop.app.conf.broker_url = scrypath_broker.url
    old_dead_letters(shop, 10_000)
    for id in range(1, 11):
        shop.add(id, body="unprojectable")
    shop.search.drain()
    recent = ("--since", "1m", "--code", "projection")

    found = run("failed", *recent).stdout
    assert found.splitlines()[-1] == "10 of 10 failed works shown"
    ids = {int(id) for id in re.findall(r"^id=(\d+)", found, re.M)}

    with shop.Session.begin() as session:
        session.query(Post).update({Post.body: "fine"})
    assert run("retry", *recent).stdout == "Retried 10 of 10 works\n"
    shop.search.drain()
    assert {item.id for item in shop.works() if item.state is State.SUCCEEDED} == ids
    assert shop.in_step()

    assert run("cancel", "--reason-class", "auth").stdout == "Cancelled 2000 of 2000 works\n"
    counts = re.findall(r"^  (\w+): failed=(\d+)", run("failed", "--summary").stdout, re.M)
    assert dict(counts) == {name: "2000" for name in CLASSES if name != "auth"}
