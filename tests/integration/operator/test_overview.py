"""What operators ask of the ledger, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scrypath_celery.ledger import overview
from scrypath_celery.operator.failed import failed
from scrypath_celery.operator.reconcile import reconcile
from scrypath_celery.operator.status import status
from scrypath_celery.operator.trace import trace
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State
from tests.integration.operator.conftest import write
from tests.shop import Setup, Shop


@pytest.fixture
def shop(database_url: str, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop on each database, without a broker."""
    options = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    setup = Setup(
        broker="redis://127.0.0.1:1/0", database=database_url, meilisearch_url=scrypath_engine.url, options=options
    )
    opened = Shop(setup).create()
    yield opened
    opened.close()


def test_the_reports_read_the_ledger_of_each_database(shop: Shop) -> None:
    shop.add(1, 2)
    shop.search.drain()
    id = write(shop, State.FAILED, id="7_%", reason_class="source", finished_at=4e9)
    runtime, schemas = shop.search.runtime, list(shop.search.schemas)
    [seen] = status(runtime, schemas).indexes
    assert (seen.queue.failed, seen.queue.open, seen.queue.unknown) == (1, 0, None)
    assert seen.queue.last_succeeded is not None
    [report] = reconcile(runtime, schemas).indexes
    assert (report.documents.database, report.documents.index) == (2, 2)
    assert [work.id for work in failed(runtime).works] == [id]
    assert [work.id for work in trace(runtime, schemas[0], "7_%").works] == [id]


def test_a_document_is_found_to_the_letter(shop: Shop) -> None:
    written = write(shop, State.SUCCEEDED, id="Post_1")
    write(shop, State.SUCCEEDED, id="post_1")
    write(shop, State.SUCCEEDED, id="Post-1")
    write(shop, State.SUCCEEDED, id="aPost_1")
    found = shop.search.ledger.read(lambda tx: overview.works_of(tx, "posts", "Post_1", 10))
    assert [work.id for work in found] == [written]
