"""What a live worker answers, through Celery's own commands; and the same commands as a plug-in of Celery's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.ledger import works
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State
from tests.deadline import PATIENCE, eventually
from tests.integration.operator.conftest import write
from tests.processes import environment, run
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

Celery = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop with a broker of its own."""
    options = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    with FakeBroker() as broker:
        setup = Setup(
            broker=broker.url,
            database=f"sqlite:///{tmp_path / 'shop.db'}",
            meilisearch_url=scrypath_engine.url,
            options=options,
        )
        opened = Shop(setup).create()
        yield opened
        opened.close()


@pytest.fixture
def celery(shop: Shop) -> Celery:
    """`celery("inspect", "scrypath_status")`: Celery's own command on the shop, in a process of its own."""

    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "celery", "-A", "tests.shop_app", *arguments]
        env = environment(shop.setup.env())
        return run(command, env=env, timeout=PATIENCE)

    return asked


@pytest.fixture
def worker(shop: Shop, start_worker: Callable[..., Worker]) -> Worker:
    """A prefork worker of the shop."""
    return start_worker("tests.shop_app", env=shop.setup.env())


@pytest.fixture
def ask(shop: Shop, worker: Worker) -> Callable[..., Any]:
    """`ask("scrypath_failed", schema="Post")`: what the worker replies (asked by name, Celery waits for no others)."""

    def asked(command: str, **arguments: str) -> Any:
        node = f"{worker.name}@{socket.gethostname()}"
        control = shop.app.control
        [answer] = control.broadcast(command, arguments, destination=[node], reply=True, timeout=PATIENCE, limit=1)
        return answer[node]

    return asked


def test_a_worker_reports_and_retries(shop: Shop, worker: Worker, celery: Celery, ask: Callable[..., Any]) -> None:
    def celery_asks(kind: str, *arguments: str) -> Any:
        node = f"{worker.name}@{socket.gethostname()}"
        found = json.loads(celery(kind, "-t", "10", "-d", node, "-j", *arguments).stdout)
        [answer] = (found if isinstance(found, dict) else found[0]).values()
        return answer

    shop.add(1, body="unprojectable")
    eventually(lambda: shop.works()[0].state is State.FAILED, what="the work is a dead letter")
    [work] = shop.works()

    found = ask("scrypath_status")
    assert (found["version"], found["unknown"]) == (1, [])
    assert found["indexes"][0]["queue"]["failed"] == 1
    assert found["worker"] == {"declares": ["posts"], "queues": ["search_sync"]}

    [row] = celery_asks("inspect", "scrypath_failed", "Post")["works"]
    assert (row["id"], row["reason_class"]) == (work.id, "validation")

    report = ask("scrypath_reconcile")
    assert report["differs"] is True
    assert report["indexes"][0]["signals"] == ["failed_sync_work"]
    assert report["indexes"][0]["documents"]["database"] is None

    with shop.Session.begin() as session:
        session.get_one(Post, 1).body = "fine"
    assert celery_asks("control", "scrypath_retry", str(work.id))["ok"]["status"] == "pending"
    eventually(lambda: shop.works()[0].state is State.SUCCEEDED, what="the retried work has succeeded")
    again = ask("scrypath_retry", id=str(work.id))
    assert again == {"error": f"work {work.id} cannot be retried: it is succeeded"}
    assert "takes the id" in ask("scrypath_retry", id="x")["error"]
    assert "did you mean" in ask("scrypath_status", schema="Pst")["error"]


@pytest.mark.usefixtures("worker")
def test_the_commands_are_the_same_inside_celery_and_see_the_worker(shop: Shop, celery: Celery) -> None:
    done = celery("scrypath", "status", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    [answering] = found["broker"]["workers"]
    assert (answering["declares"], answering["queues"]) == (["posts"], ["search_sync"])
    assert found["indexes"][0]["known_to_workers"] is True


def test_recommended_commands_begin_as_the_operator_called_them(shop: Shop, celery: Celery) -> None:
    id = write(shop, State.FAILED, reason_class="source")
    done = celery("scrypath", "reconcile")
    assert done.returncode == 2
    assert f"celery -A tests.shop_app scrypath retry --id {id} Post" in done.stdout


def test_a_worker_does_not_wait_long_for_an_engine_that_hangs(
    ask: Callable[..., Any], scrypath_engine: EngineUnderTest
) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine is not made slow by a test")
    scrypath_engine.embedded.faults.add("slow", seconds=8.0)
    found = ask("scrypath_status")
    assert len(found["unknown"]) == 1
    assert found["indexes"][0]["queue"]["failed"] == 0


def test_a_look_into_the_ledger_leaves_no_connection_to_the_children(
    shop: Shop, ask: Callable[..., Any], worker: Worker
) -> None:
    """The main process looks at the ledger, then its children are replaced and work on."""
    ask("scrypath_reconcile")
    for child in worker.children():
        os.kill(child, 9)
    shop.add(*range(1, 20))
    eventually(shop.in_step, what="the index is in step after the pool was replaced")
    assert {work.state for work in shop.search.ledger.run(lambda tx: works.listed(tx, list(State)))} == {
        State.SUCCEEDED
    }
