"""What the other tests stand on: databases, brokers and workers of one's own."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from celery import Celery
from kombu import Connection
from sqlalchemy import create_engine, inspect, text

from tests.deadline import PATIENCE, eventually
from tests.services.mariadb import private_server as private_mariadb
from tests.services.postgresql import private_server as private_postgresql
from tests.services.rabbitmq import RabbitMQ, RabbitMQServer
from tests.services.redis import RedisServer, reachable
from tests.worker import Worker, alive

APP = """
import os
from celery import Celery

app = Celery("sample", broker=os.environ["BROKER"])
app.conf.task_default_queue = "search_sync"
app.conf.worker_cancel_long_running_tasks_on_connection_loss = False


@app.task(name="touch", ignore_result=True)
def touch(path):
    open(path, "w").close()
"""


def test_a_database_is_fresh_and_can_be_written(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
        connection.execute(text("CREATE TABLE parts (id INTEGER PRIMARY KEY)"))
    engine.dispose()


def test_a_connection_left_open_does_not_keep_a_database_alive(mariadb_url: str) -> None:
    engine = create_engine(mariadb_url)
    connection = engine.connect()
    connection.execute(text("SELECT 1"))
    engine.dispose()
    connection.detach()


def test_a_broker_is_empty_and_takes_a_message(broker_url: str) -> None:
    with Connection(broker_url) as connection:
        assert _waiting(connection) == 0
        queue = connection.SimpleQueue("search_sync")
        queue.put({"ids": [1]})
        assert queue.get(timeout=PATIENCE).payload == {"ids": [1]}
        queue.close()


@pytest.mark.parametrize("kind", ["redis_server", "fakeredis_server"])
@pytest.mark.chaos
def test_a_redis_that_comes_back_is_empty(kind: str, request: pytest.FixtureRequest) -> None:
    server: RedisServer = request.getfixturevalue(kind)()
    with Connection(server.url) as connection:
        connection.SimpleQueue("search_sync").put({"ids": [1]})
    server.stop()
    assert reachable(server.url)
    server.start()
    with Connection(server.url) as connection:
        assert _waiting(connection) == 0


@pytest.mark.chaos
def test_a_frozen_redis_takes_connections_and_answers_nothing(redis_server: Callable[[], RedisServer]) -> None:
    server = redis_server()
    server.freeze()
    assert "Timeout" in str(reachable(server.url))
    server.thaw()
    assert reachable(server.url) is None


def test_two_vhosts_do_not_see_each_other(rabbitmq: RabbitMQ) -> None:
    with rabbitmq.vhost() as one, rabbitmq.vhost() as other:
        with Connection(one) as connection:
            connection.SimpleQueue("search_sync").put({"ids": [1]})
        with Connection(other) as connection:
            assert _waiting(connection) == 0


@pytest.mark.chaos
def test_a_private_rabbitmq_keeps_its_messages_over_a_restart(rabbitmq_server: RabbitMQServer) -> None:
    with rabbitmq_server.broker().vhost() as url:
        with Connection(url) as connection:
            connection.SimpleQueue("search_sync").put({"ids": [1]})
        rabbitmq_server.stop()
        rabbitmq_server.start()
        with Connection(url) as connection:
            assert _waiting(connection) == 1


@pytest.mark.parametrize("private", [private_postgresql, private_mariadb])
def test_a_database_server_can_be_started_where_none_runs(private: Callable[..., object]) -> None:
    with private("none was looked for") as server, server.database() as url:  # type: ignore[attr-defined]
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
        engine.dispose()


def test_a_worker_runs_a_task_and_shuts_down_warmly(
    broker_url: str, tmp_path: Path, start_worker: Callable[..., Worker]
) -> None:
    worker = _sample(broker_url, tmp_path, start_worker)
    assert len(worker.children()) == 2
    done = tmp_path / "done"
    _send(broker_url, done)
    eventually(done.exists, what="the task ran")
    eventually(lambda: "succeeded in" in worker.output(), what="the worker has settled it")
    assert worker.stop() == 0
    assert not worker.running


@pytest.mark.chaos
def test_a_killed_worker_leaves_no_process_behind(
    fakeredis_url: str, tmp_path: Path, start_worker: Callable[..., Worker]
) -> None:
    worker = _sample(fakeredis_url, tmp_path, start_worker)
    family = [worker.pid, *worker.children()]
    worker.kill()
    assert worker.exit_code == -signal.SIGKILL
    assert not any(map(alive, family))


@pytest.mark.chaos
def test_a_frozen_worker_works_again_once_it_is_thawed(
    fakeredis_url: str, tmp_path: Path, start_worker: Callable[..., Worker]
) -> None:
    worker = _sample(fakeredis_url, tmp_path, start_worker)
    worker.freeze()
    done = tmp_path / "done"
    _send(fakeredis_url, done)
    assert not done.exists()
    worker.thaw()
    eventually(done.exists, what="the task ran after all")


def test_a_worker_that_cannot_start_says_why(tmp_path: Path, start_worker: Callable[..., Worker]) -> None:
    with pytest.raises(AssertionError, match="no_such_module"):
        start_worker("no_such_module")


def _waiting(connection: Connection) -> int:
    try:
        return int(connection.SimpleQueue("search_sync").qsize())
    except connection.channel_errors:
        # Redis has no empty queues.
        return 0


def _sample(broker: str, folder: Path, start_worker: Callable[..., Worker]) -> Worker:
    (folder / "sample.py").write_text(APP)
    return start_worker("sample", env={"BROKER": broker})


def _send(broker: str, path: Path) -> None:
    with Celery("sender", broker=broker) as app:
        app.send_task("touch", args=[str(path)], queue="search_sync", ignore_result=True)
