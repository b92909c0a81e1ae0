"""A host's limits and annotations for all tasks leave ours publishable, and a publication that fails is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from sqlalchemy import NullPool, create_engine, update

from scrypath_celery import Scrypath
from scrypath_celery.errors import ScrypathError
from scrypath_celery.ledger import Ledger, gauges, publications, tables
from scrypath_celery.ledger.clock import now
from scrypath_celery.worker.messages import RELAY, SYNC
from scrypath_celery.worker.publisher import Publisher
from tests.deadline import PATIENCE

LIMITS: list[dict[str, Any]] = [
    {"task_annotations": {"*": {"time_limit": 5}}},
    {"task_annotations": {"*": {"time_limit": 5, "soft_time_limit": 60, "rate_limit": "1/h"}}},
    {"task_annotations": {SYNC: {"time_limit": 1, "serializer": "pickle", "ignore_result": False}}},
    {"task_time_limit": 5, "task_soft_time_limit": 60},
    {"task_time_limit": 5, "task_annotations": [{"*": {"time_limit": 1}}]},
]


@pytest.mark.parametrize("conf", LIMITS)
def test_a_hosts_limits_do_not_keep_our_tasks_from_being_published(redis_url: str, conf: dict[str, Any]) -> None:
    app = Celery("host", broker=redis_url, set_as_current=False)
    app.conf.update(conf)
    search = Scrypath(app)
    publisher = Publisher(app, search.options.queue, seconds=5.0)
    publisher.publish("posts", (1,))
    assert publisher.flush(PATIENCE)
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(search.options.queue) == 1
    publisher.close()
    for task in (app.tasks[SYNC], app.tasks[RELAY]):
        assert (task.rate_limit, task.serializer, task.ignore_result) == (None, "json", True)
        assert task.soft_time_limit < task.time_limit


def test_the_time_limit_is_an_option_of_ours(redis_url: str, tmp_path: Path) -> None:
    app = Celery("host", broker=redis_url, set_as_current=False)
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}", poolclass=NullPool)
    search = Scrypath(app, database=engine, time_limit=40.0)
    search.ledger.create_all()
    search.runtime.publish("posts", (1,))
    assert (app.tasks[SYNC].soft_time_limit, app.tasks[SYNC].time_limit) == (32.0, 40.0)
    search.init_app(app)


@pytest.fixture
def noted() -> list[str | None]:
    return []


def publisher(url: str, noted: list[str | None]) -> Publisher:
    app = Celery("host", broker=url, set_as_current=False)
    Scrypath(app)
    return Publisher(app, "search_sync", seconds=0.3, note=noted.append)


@pytest.mark.parametrize("url", ["redis://:hunter22@127.0.0.1:1/0", "amqp://me:hunter22@127.0.0.1:1//"])
def test_a_publication_that_fails_is_noted_with_its_reason_and_no_secret(
    url: str, noted: list[str | None], caplog: pytest.LogCaptureFixture
) -> None:
    one = publisher(url, noted)
    one.publish("posts", (1,))
    assert one.flush(PATIENCE)
    one.close()
    [reason] = noted
    assert reason
    assert ":" in reason
    assert reason in caplog.text
    assert "hunter22" not in caplog.text


def test_what_the_task_itself_refuses_is_noted_too(
    redis_url: str, noted: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = publisher(redis_url, noted)
    monkeypatch.setattr(one._app.tasks[SYNC], "soft_time_limit", 10_000)
    one.publish("posts", (1,))
    assert one.flush(PATIENCE)
    assert [reason.partition(":")[0] for reason in noted if reason] == ["ValueError"]
    one.close()


def test_a_note_that_cannot_be_written_does_not_end_the_publisher(redis_url: str) -> None:
    def refuse(reason: str | None) -> None:
        raise ScrypathError("no ledger")

    app = Celery("host", broker="redis://127.0.0.1:1/0", set_as_current=False)
    Scrypath(app)
    one = Publisher(app, "search_sync", seconds=0.2, note=refuse)
    for id in (1, 2):
        one.publish("posts", (id,))
        assert one.flush(PATIENCE)
    one.close()


@pytest.mark.parametrize("reason", ["refused", "a" * 2_000])
def test_a_noted_failure_stays_until_a_publication_succeeds(tmp_path: Path, reason: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    assert ledger.read(publications.failure) is None
    ledger.run(lambda tx: publications.note(tx, reason))
    found = ledger.read(publications.failure)
    assert found is not None
    assert found.reason == reason[:500]
    state = ledger.read(gauges.relay_state)
    assert state is not None
    assert state.publishing_fails
    ledger.run(lambda tx: publications.note(tx, None))
    assert ledger.read(publications.failure) is None
    engine.dispose()


def test_a_failure_of_a_process_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    ledger.run(lambda tx: publications.note(tx, "refused"))
    long_ago = update(tables.ledger).values(publish_failed_at=now() - publications.FORGOTTEN)
    ledger.run(lambda tx: tx.execute(long_ago))
    assert ledger.read(publications.failure) is None
    state = ledger.read(gauges.relay_state)
    assert state is not None
    assert not state.publishing_fails
    engine.dispose()
