"""A deployment with another declaration: said once in each process, and noted as true by what makes it true alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scrypath_celery import Scrypath
from scrypath_celery.ledger import declared
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.rebuild.rebuild import How, rollback
from scrypath_celery.signals import contract_drift
from scrypath_celery.work import Mode
from scrypath_celery.worker.messages import RELAY
from tests.deadline import eventually
from tests.integration.operator.conftest import shop
from tests.shop import Post, Shop

__all__ = ["shop"]

Deploy = Callable[..., Scrypath]


@pytest.fixture
def deploy(shop: Shop) -> Deploy:
    """The same application in another process, with another declaration."""

    def another(**declaration: Any) -> Scrypath:
        options = {"meilisearch_url": shop.setup.meilisearch_url, "index_prefix": shop.setup.index_prefix}
        search = Scrypath(shop.setup.host(), database=shop.Session, **{**options, **shop.setup.options})
        search.schema(**{"fields": ["title", "body"], **declaration})(Post)
        return search

    return another


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What the signal said."""
    told: list[dict[str, Any]] = []

    def listen(**said: Any) -> None:
        told.append(said)

    contract_drift.connect(listen, weak=False)
    yield told
    contract_drift.disconnect(listen)


def filled(shop: Shop) -> None:
    shop.add(1, 2)
    assert not shop.search.drain().failed


def made_with(search: Scrypath) -> Any:
    return search.ledger.read(lambda tx: declared.of_index(tx, "posts"))


def test_a_worker_that_starts_names_what_changed_and_the_cheapest_actions(
    shop: Shop, deploy: Deploy, heard: list[dict[str, Any]]
) -> None:
    filled(shop)
    search = deploy(fields=["title"], sortable=["title"])
    for _ in range(2):
        search.celery_app.tasks[RELAY]()  # type: ignore[union-attr]
    [said] = heard
    assert said["sender"] is Post
    assert (said["schema"], said["index"]) == ("Post", f"{shop.setup.index_prefix}_posts")
    assert said["changes"] == ("searchable", "sortable_attributes", "body")
    assert said["remedies"] == ("settings_apply", "backfill")
    assert said["commands"] == ("settings apply Post", "reconcile Post --action backfill")


def test_the_first_write_of_a_process_says_it_too(shop: Shop, deploy: Deploy, heard: list[dict[str, Any]]) -> None:
    filled(shop)
    search = deploy(version="2")
    with shop.Session.begin() as session:
        search.sync_record(session.merge(Post(id=1, title="new")), session=session, sync_mode="inline")
    [said] = heard
    assert (said["changes"], said["remedies"]) == (("search_document", "version"), ("backfill",))


def test_a_write_that_is_left_to_workers_says_it_beside_the_commit(
    shop: Shop, deploy: Deploy, heard: list[dict[str, Any]]
) -> None:
    filled(shop)
    search = deploy(version="2")
    with shop.Session.begin() as session:
        search.sync_record(session.merge(Post(id=1, title="new")), session=session)
    eventually(lambda: len(heard) == 1, seconds=20, what="the signal is sent")


def test_an_unchanged_declaration_says_nothing(shop: Shop, deploy: Deploy, heard: list[dict[str, Any]]) -> None:
    filled(shop)
    deploy().look_at_declarations()
    assert heard == []
    assert not deploy().index_contract_drift(Post).remedies


def test_settings_apply_makes_the_settings_true_and_a_backfill_the_documents(shop: Shop, deploy: Deploy) -> None:
    filled(shop)
    search = deploy(sortable=["title"], version="2")
    assert search.index_contract_drift(Post).remedies == ("settings_apply", "backfill")
    search.settings_apply(Post)
    assert search.index_contract_drift(Post).remedies == ("backfill",)
    search.backfill(Post, ids=[1], sync_mode="inline")
    assert search.index_contract_drift(Post).remedies == ("backfill",)
    search.backfill(Post, sync_mode="inline")
    assert search.index_contract_drift(Post).match
    assert made_with(search) == search.schemas.of(Post).declared


def test_single_writes_make_no_declaration_true(shop: Shop, deploy: Deploy) -> None:
    filled(shop)
    before = made_with(shop.search)
    search = deploy(version="2")
    with shop.Session.begin() as session:
        search.sync_record(session.merge(Post(id=1, title="new")), session=session, sync_mode="inline")
    assert made_with(search) == before
    [one] = search.reconcile_sync(Post).indexes
    assert Signal.CONTRACT_DRIFT in one.signals


def test_a_reindex_makes_all_true_and_a_rollback_takes_it_back(shop: Shop, deploy: Deploy) -> None:
    filled(shop)
    before = made_with(shop.search)
    search = deploy(version="2")
    search.reindex(Post, keep_old=600, sync_mode="inline")
    assert search.index_contract_drift(Post).match
    rollback(search.runtime, search.schemas.of(Post), How(mode=Mode.INLINE))
    assert made_with(search) == before


def test_an_index_of_unknown_making_is_not_said_to_have_changed(
    shop: Shop, deploy: Deploy, heard: list[dict[str, Any]]
) -> None:
    filled(shop)
    shop.search.ledger.run(lambda tx: declared.put(tx, "posts", None))
    deploy(version="2").look_at_declarations()
    assert heard == []
    assert deploy(version="2").index_contract_drift(Post).match
