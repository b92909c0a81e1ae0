"""The publisher: one message for many works, nothing lost in a queue of its own, never in the way."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.ledger import publications
from scrypath_celery.worker.publisher import MESSAGE, Publisher
from tests.blog import Blog
from tests.deadline import PATIENCE, eventually
from tests.processes import run
from tests.services.redis import RedisServer


def _publisher(broker: str, seconds: float = 5.0) -> Publisher:
    app = Celery("host", broker=broker, set_as_current=False)
    Scrypath(app)
    return Publisher(app, "search_sync", seconds=seconds)


def _messages(url: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(url) as client:
        return [json.loads(text)["headers"] for text in reversed(client.lrange("search_sync", 0, -1))]


@pytest.fixture
def silent_broker() -> Iterator[str]:
    """A listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"amqp://127.0.0.1:{listener.getsockname()[1]}//"


def test_what_waits_goes_out_as_one_message(redis_server: Callable[[], RedisServer]) -> None:
    server = redis_server()
    publisher = _publisher(server.url)
    publisher.publish("posts", (1,))
    assert publisher.flush(PATIENCE)
    server.freeze()
    for id in range(2, 50):
        publisher.publish("posts", (id,))
    server.thaw()
    assert publisher.flush(PATIENCE)
    assert len(_messages(server.url)) <= 3


def test_a_message_names_a_bounded_number_of_works(redis_url: str) -> None:
    publisher = _publisher(redis_url)
    publisher.publish("posts", tuple(range(2 * MESSAGE + 1)))
    assert publisher.flush(PATIENCE)
    assert len(_messages(redis_url)) == 3


def test_a_process_that_ends_right_after_its_first_commit_can_still_publish(redis_url: str) -> None:
    # Whether the second at the end is enough is the machine's affair; that something fails in it is ours.
    code = f"""
from celery import Celery
from scrypath_celery import Scrypath
from scrypath_celery.worker.publisher import Publisher
app = Celery("host", broker={redis_url!r})
search = Scrypath(app)
Publisher(app, "search_sync", seconds=5.0).publish("posts", (1,))
"""
    done = run([sys.executable, "-c", code])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.chaos
def test_it_gives_up_on_a_broker_that_never_answers(silent_broker: str, caplog: pytest.LogCaptureFixture) -> None:
    publisher = _publisher(silent_broker, seconds=0.3)
    publisher.publish("posts", (1,))
    assert publisher.flush(PATIENCE)
    assert "the relay publishes it again" in caplog.text


@pytest.mark.chaos
def test_it_goes_on_once_the_broker_is_back(redis_server: Callable[[], RedisServer]) -> None:
    server = redis_server()
    publisher = _publisher(server.url, seconds=0.2)
    server.kill()
    publisher.publish("posts", (1,))
    assert publisher.flush(PATIENCE)
    server.start()

    def arrived() -> bool:
        publisher.publish("posts", (2,))
        return publisher.flush(5) and bool(_messages(server.url))

    eventually(arrived, what="a later message arrives")


def test_a_forked_process_publishes_with_a_thread_and_connection_of_its_own(redis_url: str) -> None:
    publisher = _publisher(redis_url)
    publisher.publish("posts", (1,))
    assert publisher.flush(PATIENCE)
    child = os.fork()
    if child == 0:
        publisher.publish("posts", (2,))
        os._exit(0 if publisher.flush(PATIENCE) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert [headers["argsrepr"] for headers in _messages(redis_url)] == ["posts: work 1", "posts: work 2"]


def test_a_publication_that_succeeds_ends_the_note_of_another_process(redis_url: str, blog: Blog) -> None:
    search = Scrypath(Celery("host", broker=redis_url, set_as_current=False), database=blog.engine)
    search.ledger.run(lambda tx: publications.note(tx, "refused"))
    search.runtime.publish("posts", (1,))
    eventually(lambda: search.ledger.read(publications.failure) is None, what="the note is gone")
