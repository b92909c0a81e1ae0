"""What a scrape tells of ledger, engine and process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from scrypath_celery import metrics
from scrypath_celery.errors import ConfigError, IndexMissing
from scrypath_celery.ledger import indexes, maintenance, overview, totals
from scrypath_celery.metrics import collector
from scrypath_celery.metrics.families import FAMILIES
from scrypath_celery.metrics.part import Part
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.totals import Totals
from scrypath_celery.work import OPEN, Failure, ReasonClass, State, Work
from tests.integration.operator.conftest import shop, write
from tests.metrics.scraping import Found, counted, scrape
from tests.shop import Post, Shop

__all__ = ["shop"]


def test_works_are_told_by_state_and_dead_letters_by_class(shop: Shop) -> None:
    for number, state in enumerate(State):
        for _ in range(number + 1):
            write(shop, state, reason_class="source" if state is State.FAILED else None)
    found = scrape(shop.search)
    there = counted(shop.search, "state")
    assert {state: found["scrypath_works", "Post", state] for state in OPEN} == {s: there[(s,)] for s in OPEN}
    dead = {one: found["scrypath_dead_letters", one, "Post"] for one in ReasonClass}
    assert dead == {one: there[(State.FAILED,)] if one is ReasonClass.SOURCE else 0 for one in ReasonClass}


def test_works_are_counted_up_to_the_limit(shop: Shop) -> None:
    for _ in range(4):
        write(shop, State.PENDING)
        write(shop, State.FAILED, reason_class="auth")
    found = scrape(shop.search, count_limit=3)
    assert found["scrypath_works", "Post", "pending"] == 3
    assert found["scrypath_dead_letters", "auth", "Post"] == 3


def test_the_age_of_due_work_is_zero_where_none_is_due(shop: Shop) -> None:
    assert scrape(shop.search)["scrypath_oldest_due_seconds", "Post"] == 0.0
    write(shop, State.PENDING, available_at=shop.search.ledger.read(overview.time) - 100.0)
    assert scrape(shop.search)["scrypath_oldest_due_seconds", "Post"] == pytest.approx(100.0, abs=30.0)


def test_a_pause_is_told_by_who_made_it(shop: Shop) -> None:
    failure = Failure(reason_class=ReasonClass.AUTH, reason="the key was refused")
    shop.search.ledger.run(lambda tx: indexes.ensure(tx, "posts"))
    shop.search.ledger.run(lambda tx: indexes.pause(tx, "posts", failure, 60.0))
    found = scrape(shop.search)
    assert (found["scrypath_paused", "automatic", "Post"], found["scrypath_paused", "by_hand", "Post"]) == (1, 0)


def cumulative(found: Found) -> Found:
    endings = ("_total", "_bucket", "_count", "_sum")
    return {key: value for key, value in found.items() if key[0].endswith(endings)}


def test_a_sync_is_counted_in_works_documents_and_durations(shop: Shop) -> None:
    shop.add(1, 2)
    shop.search.drain()
    found = scrape(shop.search)
    assert found["scrypath_works_settled_total", "succeeded", "Post"] == 1
    assert found["scrypath_documents_settled_total", "Post"] == 2
    assert found["scrypath_searchable_seconds_count", "Post"] == 1
    assert 0.0 < found["scrypath_searchable_seconds_sum", "Post"] < 60.0
    assert found["scrypath_searchable_seconds_bucket", "+Inf", "Post"] == 1
    for phase in ("claim", "read", "send", "await", "settle"):
        assert found["scrypath_claim_phase_seconds_count", "change", phase, "Post"] == 1, phase
    assert found["scrypath_claim_phase_seconds_sum", "change", "await", "Post"] > 0.0


def test_the_totals_cost_a_claim_one_statement(shop: Shop) -> None:
    statements: list[str] = []
    event.listen(shop.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    shop.add(1)
    shop.add(2)
    shop.search.drain()
    assert scrape(shop.search)["scrypath_claim_phase_seconds_count", "change", "read", "Post"] == 1
    assert len([one for one in statements if one.startswith("INSERT INTO scrypath_total")]) == 1


def test_a_document_of_several_works_is_superseded_in_all_but_one(shop: Shop) -> None:
    shop.add(1)
    with shop.Session.begin() as session:
        shop.search.sync_record(session.get(Post, 1), session=session)
    shop.search.drain()
    found = scrape(shop.search)
    assert found["scrypath_works_settled_total", "succeeded", "Post"] == 2
    assert found["scrypath_documents_superseded_total", "Post"] == 1


def test_what_fails_and_what_is_given_up_is_counted(shop: Shop) -> None:
    shop.add(1, body="unprojectable")
    shop.add(2, body="crash")
    shop.search.drain()
    shop.search.cancel(all=True, states=["retrying"])
    found = scrape(shop.search)
    assert found["scrypath_works_dead_lettered_total", "validation", "Post"] == 1
    assert found["scrypath_works_retried_total", "source", "Post"] >= 1
    assert found["scrypath_works_settled_total", "cancelled", "Post"] == 1


def test_counters_do_not_fall_while_works_are_pruned(shop: Shop) -> None:
    shop.add(1)
    shop.add(2, body="unprojectable")
    shop.search.drain()
    before = cumulative(scrape(shop.search, process=False))
    removed = shop.search.ledger.run(lambda tx: maintenance.prune(tx, keep_succeeded=-1.0, keep_cancelled=-1.0))
    assert removed > 0
    assert cumulative(scrape(shop.search, process=False)) == before
    assert before["scrypath_works_settled_total", "succeeded", "Post"] == 1
    assert (State.SUCCEEDED,) not in counted(shop.search, "state")


def test_a_settlement_that_is_rolled_back_is_not_counted(shop: Shop) -> None:
    def broken(tx: Any) -> None:
        totals.add(tx, "posts", totals.SUCCEEDED, times=1, documents=1)
        totals.write(tx, totals.of(tx))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        shop.search.ledger.run(broken)
    assert shop.search.ledger.read(totals.listed) == {}


def test_searches_and_their_missing_records_are_counted(shop: Shop) -> None:
    shop.add(1, 2)
    shop.search.drain()
    with shop.Session.begin() as session, shop.search.capture_disabled():
        session.delete(session.get(Post, 1))
    with shop.Session() as session:
        assert len(shop.search.search(Post, "title", session=session)) == 1
    found = scrape(shop.search)
    assert found["scrypath_search_seconds_count", "search", "Post", "ok"] == 1
    assert (found["scrypath_hits_hydrated_total", "Post"], found["scrypath_hits_missing_total", "Post"]) == (1, 1)
    assert found["scrypath_engine_request_seconds_count", "post", "indexes/*/search", "ok"] == 1


def test_a_search_that_fails_is_counted_by_its_code(shop: Shop) -> None:
    with shop.Session() as session, pytest.raises(IndexMissing):
        shop.search.search(Post, "title", session=session)
    found = scrape(shop.search, shared=False)
    assert found["scrypath_search_seconds_count", "search", "Post", "index_missing"] == 1
    assert found["scrypath_engine_request_seconds_count", "post", "indexes/*/search", "404"] == 1
    assert ("scrypath_up", "ledger") not in found


def test_an_engine_that_is_away_is_down_and_the_ledger_is_told(shop: Shop) -> None:
    with shop.search.override(**{**shop.setup.options, "meilisearch_url": "http://127.0.0.1:1"}):
        found = scrape(shop.search)
    assert (found["scrypath_up", "engine"], found["scrypath_up", "ledger"]) == (0, 1)
    assert ("scrypath_works", "Post", "pending") in found
    assert not any(key[0].startswith("scrypath_engine_tasks") for key in found)


def test_a_ledger_without_tables_is_down_and_no_work_is_said_to_be_zero(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE scrypath_total")
    found = scrape(shop.search)
    assert (found["scrypath_up", "engine"], found["scrypath_up", "ledger"]) == (1, 0)
    assert not any(key[0] == "scrypath_works" for key in found)


def test_an_engine_that_hangs_holds_a_scrape_up_no_longer_than_its_timeout(
    shop: Shop, scrypath_engine: EngineUnderTest
) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("only the embedded engine hangs on demand")
    fault = scrypath_engine.embedded.faults.add("hang", path="/tasks*")
    began = time.monotonic()
    try:
        found = scrape(shop.search, timeout=0.5)
    finally:
        fault.remove()
    assert found["scrypath_up", "engine"] == 0
    assert time.monotonic() - began < 20.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


def test_a_part_that_hangs_is_asked_once_however_often_it_is_scraped(gate: threading.Event) -> None:
    asked: list[int] = []

    def question() -> int:
        asked.append(1)
        gate.wait()
        return 7

    part = Part(question)
    for _ in range(3):
        part.ask()
        assert part.answer(0.01).found is None
    gate.set()
    assert part.answer(60.0).found == 7
    part.ask()
    assert part.answer(60.0).found == 7
    assert len(asked) == 2


def test_a_question_that_nobody_will_answer_is_asked_once_more(gate: threading.Event) -> None:
    asked: list[int] = []

    def question() -> int:
        asked.append(1)
        if len(asked) == 1:
            gate.wait()  # as a connection whose other end is gone without a word
        return 7

    part = Part(question, patience=0.0)
    part.ask()
    assert part.answer(0.01).found is None
    part.ask()
    assert part.answer(60.0).found == 7


def test_a_registry_learns_all_names_without_a_look(shop: Shop) -> None:
    described = {family.name for family in collector(shop.search).describe()}
    assert described == {name.removesuffix("_total") for name in FAMILIES}
    with shop.search.override(meilisearch_url="http://127.0.0.1:1"):
        CollectorRegistry(auto_describe=True).register(collector(shop.search))


def test_ledger_and_process_can_be_told_by_two_collectors_of_one_registry(shop: Shop) -> None:
    registry = CollectorRegistry()
    registry.register(collector(shop.search, process=False))
    registry.register(collector(shop.search, shared=False))
    described = [family.name for family in registry.collect()]
    assert len(described) == len(set(described))


def test_an_index_that_was_given_up_is_told_apart_from_its_successor(shop: Shop) -> None:
    write(shop, State.PENDING)
    for uid in ("Post", "bygone"):
        shop.search.ledger.run(partial(indexes.ensure, uid=uid))
    registry = CollectorRegistry()
    registry.register(collector(shop.search))
    works = [
        one.labels["schema"] for family in registry.collect() for one in family.samples if one.name == "scrypath_works"
    ]
    assert set(works) == {"Post", "Post (not declared)", "bygone"}
    assert len(works) == 3 * len(OPEN)


def test_the_time_of_work_for_later_counts_from_when_it_is_due(shop: Shop) -> None:
    shop.add(1)
    with shop.Session.begin() as session:
        later = datetime.now(UTC) + timedelta(hours=1)
        shop.search.sync_record(session.get(Post, 1), session=session, at=later)
    written = shop.works()[-1]
    noted = Totals()
    shop.search.ledger.run(lambda tx: _succeed_at(tx, written, later.timestamp() + 0.2, noted))
    assert [(key[2], round(total.amount, 1)) for key, total in noted.read().items() if key[1] == "searchable"] == [
        ("0.25", 0.2)
    ]


def _succeed_at(tx: Any, item: Work, at: float, noted: Totals) -> None:
    totals.succeeded(tx, "posts", [item], at=at)
    for (uid, name, label), total in totals.of(tx).read().items():
        noted.add(uid, name, label, times=total.times, amount=total.amount)


def test_the_collector_stays_a_function_once_it_was_called(shop: Shop) -> None:
    collector(shop.search)
    assert metrics.collector is collector


def test_without_the_client_the_extra_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrypath_celery.metrics.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"scrypath-celery\[prometheus\]"):
        collector(shop.search)
