"""Sentry is told of a dead letter once, whoever settles it, and of nothing private."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.deadline import eventually
from tests.processes import environment, run
from tests.reports import Reports
from tests.shop import Shop
from tests.worker import Worker

TITLE = "canary-of-a-document"
KEY = "key-that-nobody-may-see"
FIRST = 730_001
"""The ids of records begin here, so that they are found wherever they stand."""


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    """An engine with a key, whose errors quote documents."""
    with EmbeddedEngine(master_key=KEY) as engine:
        yield engine


@pytest.fixture
def open_private_shop(
    redis_url: str, engine: EmbeddedEngine, postgresql_url: str, open_shop: Callable[..., Shop]
) -> Callable[..., Shop]:
    """A factory of shops whose documents, ids and key are canaries."""

    def open_it(**options: Any) -> Shop:
        given = {"meilisearch_api_key": KEY, "relay_period": 1.0, "publish_grace": 1.0, **options}
        return open_shop(broker=redis_url, database=postgresql_url, meilisearch_url=engine.url, options=given)

    return open_it


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    """What Sentry is sent."""
    return Reports(tmp_path / "reports")


@pytest.fixture
def start(start_worker: Callable[..., Worker], reports: Reports) -> Callable[..., Worker]:
    """A factory of workers that report."""

    def start_it(shop: Shop, **options: Any) -> Worker:
        return start_worker("tests.shop_reporting", env={**reports.env(shop), "C_FORCE_ROOT": "1"}, **options)

    return start_it


def check_privacy(reports: Reports) -> None:
    """Nothing private was sent."""
    text = reports.file.read_text()
    assert [private for private in (TITLE, KEY, str(FIRST)[:5]) if private in text] == []


def failed(shop: Shop) -> int:
    """How many dead letters there are."""
    return sum(work.state == "failed" for work in shop.works())


def test_a_task_reports_its_dead_letters_grouped_by_schema_class_and_code(
    open_private_shop: Callable[..., Shop], engine: EmbeddedEngine, start: Callable[..., Worker], reports: Reports
) -> None:
    shop = open_private_shop()
    worker = start(shop)
    engine.faults.add("fail_task", document=str(FIRST + 3), code="invalid_document_id", message=TITLE)
    for number, body in enumerate(["unprojectable", "unprojectable", "", ""]):
        shop.add(FIRST + number, title=TITLE, body=body)
        eventually(lambda: shop.open() == 0, what="it is settled")
        # A task that still runs would take the next one too, and report both as one.
        eventually(lambda: len(reports()) == failed(shop), what="each dead letter is reported")
    assert worker.stop() == 0
    validation, invalid = ["Post", "validation", "projection"], ["Post", "validation", "invalid_document_id"]
    # Two processes report, each when it comes to it.
    assert sorted(reports.fingerprints()) == sorted([validation, validation, invalid])
    for event in reports():
        [error] = event["exception"]["values"]
        assert (error["type"], error["mechanism"]["type"]) == ("DeadLettered", "celery")
        assert event["tags"]["scrypath.schema"] == "Post"
    check_privacy(reports)


def test_a_dead_letter_of_a_process_that_was_killed_is_reported_once(
    open_private_shop: Callable[..., Shop], start: Callable[..., Worker], reports: Reports
) -> None:
    shop = open_private_shop(lease=2.0, max_claims=1)
    worker = start(shop, concurrency=1)
    shop.add(FIRST, title=TITLE, body="hang")
    eventually(lambda: [work.state for work in shop.works()] == ["running"], what="it is claimed")
    os.kill(worker.children()[0], signal.SIGKILL)
    eventually(lambda: failed(shop) == 1, what="it is given up")
    eventually(lambda: "DeadLetteredElsewhere" in worker.output(), what="its task comes again and ends")
    assert worker.stop() == 0
    assert reports.fingerprints() == [["Post", "source", "never_settled"]]
    assert reports()[0]["logger"] == "scrypath_celery"
    check_privacy(reports)


def test_a_dead_letter_is_reported_though_its_task_is_killed_before_its_end(
    open_private_shop: Callable[..., Shop], start: Callable[..., Worker], reports: Reports
) -> None:
    shop = open_private_shop(lease=2.0, max_claims=1, claim_documents=1)
    shop.add(FIRST, title=TITLE, body="unprojectable")
    shop.add(FIRST + 1, title=TITLE, body="hang")
    worker = start(shop, concurrency=1)
    eventually(lambda: [work.state for work in shop.works()] == ["failed", "running"], what="the second is claimed")
    os.kill(worker.children()[0], signal.SIGKILL)
    eventually(lambda: failed(shop) == 2, what="it is given up")
    eventually(lambda: len(reports()) == 2, what="both are reported")
    assert worker.stop() == 0
    assert sorted(reports.fingerprints()) == [["Post", "source", "never_settled"], ["Post", "validation", "projection"]]
    check_privacy(reports)


def test_a_dead_letter_of_a_call_that_runs_inline_is_reported(
    open_private_shop: Callable[..., Shop], reports: Reports
) -> None:
    shop = open_private_shop(sync_mode="inline")
    code = f"from tests.shop_reporting import shop; shop.add({FIRST}, title={TITLE!r}, body='unprojectable')"
    assert run([sys.executable, "-c", code], env=environment(reports.env(shop))).returncode == 0
    assert reports.fingerprints() == [["Post", "validation", "projection"]]
    check_privacy(reports)


def test_nothing_is_reported_where_an_option_says_so(
    open_private_shop: Callable[..., Shop], start: Callable[..., Worker], reports: Reports
) -> None:
    shop = open_private_shop(report_dead_letters=False)
    worker = start(shop)
    shop.add(FIRST, title=TITLE, body="unprojectable")
    eventually(lambda: failed(shop) == 1, what="it is a dead letter")
    assert worker.stop() == 0
    assert "raised expected" in worker.output()
    assert reports() == []
