"""Events of ours reach who watches the app, and progress is kept where there is a result backend."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.convergence.summary import Summary
from scrypath_celery.work import Cause, ReasonClass
from scrypath_celery.worker import reporting
from scrypath_celery.worker.publisher import Event, Publisher
from tests.deadline import eventually


def test_an_event_reaches_who_watches(redis_url: str) -> None:
    app = Celery("host", broker=redis_url, set_as_current=False)
    Scrypath(app)
    publisher = Publisher(app, "search_sync", seconds=5.0)
    seen: list[dict[str, Any]] = []

    def watch() -> None:
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"task-progress": seen.append}, app=app)
            for _ in receiver.itercapture(timeout=20.0, wakeup=False):
                receiver.should_stop = bool(seen)

    watcher = threading.Thread(target=watch)
    watcher.start()

    def arrived() -> bool:
        publisher.tell([Event(type="task-progress", fields={"uuid": "t", "result": "Post: fill 5 of 10"})])
        return publisher.flush(5) and bool(seen)

    eventually(arrived, seconds=20, what="the event arrives")
    watcher.join(20)
    publisher.close()
    assert (seen[0]["uuid"], seen[0]["result"]) == ("t", "Post: fill 5 of 10")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are made at once."""
    monkeypatch.setattr(reporting, "FIRST", 0.0)
    monkeypatch.setattr(reporting, "PERIOD", 0.0)


@pytest.fixture
def task() -> Any:
    """A running task of an app with a result backend in memory."""
    app = Celery("host", broker="memory://", backend="cache+memory://", set_as_current=False)
    search = Scrypath(app)
    found = app.tasks["scrypath.sync"]
    found.push_request(id="t", args=(), kwargs={})
    yield SimpleNamespace(task=found, schemas=search.schemas, backend=app.backend)
    found.pop_request()


def report(task: Any, told: list[Event]) -> Any:
    owner = SimpleNamespace(tell=told.extend)
    return reporting.reported(task.task, owner, task.schemas, "posts", Cause.BACKFILL)


@pytest.mark.usefixtures("patient")
def test_the_progress_of_a_task_is_its_state_until_it_ends(task: Any) -> None:
    told: list[Event] = []
    with report(task, told) as said:
        said.works(Summary(claims=2, documents=40))
        stored = eventually(lambda: task.backend.get_task_meta("t").get("result"), what="the state is stored")
        assert (stored["index"], stored["done"]) == ("posts", 40)
    eventually(lambda: task.backend.get_task_meta("t")["status"] == "PENDING", what="the state is forgotten")
    [event] = told
    assert event.fields["result"] == "posts: backfill, 40 documents so far"


@pytest.mark.usefixtures("patient")
def test_once_works_failed_progress_does_not_hide_it(task: Any) -> None:
    told: list[Event] = []
    with report(task, told) as said:
        said.works(Summary(claims=2, documents=40, failed={1: ReasonClass.SOURCE}))
    assert told == []


def test_a_short_task_says_nothing(task: Any) -> None:
    told: list[Event] = []
    with report(task, told) as said:
        said.works(Summary(claims=1, documents=1))
    assert told == []
