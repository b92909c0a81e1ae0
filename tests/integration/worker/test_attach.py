"""Attaching to an app, whatever state it is in."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.errors import ConfigError
from scrypath_celery.worker.messages import RELAY, SYNC


def _app(**conf: Any) -> Celery:
    app = Celery("host", broker="memory://", set_as_current=False)
    app.conf.update(conf)
    assert app.conf.broker_url  # a worker reads its configuration before anything else
    return app


def test_options_of_an_app_that_is_configured_already_count() -> None:
    app = _app(scrypath_queue="ours", task_queues={"theirs": {"exchange": "theirs"}})
    assert app.conf.task_queues
    search = Scrypath(app)
    assert search.options.queue == "ours"
    assert "ours" in app.amqp.queues


def test_options_of_an_app_that_is_configured_later_count() -> None:
    app = Celery("host", broker="memory://", set_as_current=False)
    search = Scrypath(app)
    app.config_from_object({"scrypath_queue": "ours", "task_queues": {"theirs": {"exchange": "theirs"}}})
    assert app.conf.task_queues
    assert "ours" in app.amqp.queues
    assert search.options.queue == "ours"


def test_our_queue_is_there_where_an_app_allows_no_others() -> None:
    app = _app(task_create_missing_queues=False)
    Scrypath(app)
    app.amqp.queues.select(["search_sync"])
    assert set(app.amqp.queues.consume_from) == {"search_sync"}


def test_a_worker_that_names_no_queues_does_not_get_ours() -> None:
    app = _app(task_queues={"theirs": {"exchange": "theirs"}})
    Scrypath(app)
    assert set(app.amqp.queues.consume_from) == {"theirs"}


def test_each_app_has_the_tasks_of_its_own_scrypath() -> None:
    apps = [_app(), _app(), _app()]
    for app in apps[:2]:
        Scrypath(app)
    first, second, third = [app.tasks for app in apps]
    assert first[SYNC] is not second[SYNC]
    assert SYNC not in third
    assert RELAY not in third


def test_attaching_again_replaces_the_options() -> None:
    app = _app(task_create_missing_queues=False)
    search = Scrypath(app, queue="one")
    search.init_app(app, queue="two")
    assert search.options.queue == "two"
    assert "two" in app.amqp.queues


def test_a_second_scrypath_on_one_app_is_refused() -> None:
    app = _app()
    Scrypath(app)
    with pytest.raises(ConfigError, match="'host' has a Scrypath already"):
        Scrypath(app)


def test_our_tasks_have_their_own_options_and_the_hosts_base() -> None:
    app = _app(task_acks_late=False, task_ignore_result=False, task_serializer="pickle", task_time_limit=5)
    Scrypath(app)
    for name in (SYNC, RELAY):
        task = app.tasks[name]
        assert isinstance(task, app.Task)
        assert (task.acks_late, task.ignore_result, task.serializer) == (True, True, "json")
        assert task.time_limit > 5
