"""The embedded broker."""

from __future__ import annotations

import sys

import pytest
import redis
from fakeredis._clients._tcp_server import TCPFakeRequestHandler

from scrypath_celery.errors import EmbeddedError
from scrypath_celery.testing.broker import FakeBroker


def test_it_speaks_redis_on_the_loopback_interface() -> None:
    with FakeBroker() as broker, redis.Redis.from_url(broker.url) as client:
        assert broker.url == f"redis://127.0.0.1:{broker.port}/0"
        client.lpush("queue", "message")
        assert client.brpop(["queue"], timeout=5) == (b"queue", b"message")


def test_two_of_them_share_nothing() -> None:
    with FakeBroker() as one, FakeBroker() as other:
        with redis.Redis.from_url(one.url) as client:
            client.set("key", "value")
        with redis.Redis.from_url(other.url) as client:
            assert client.get("key") is None


def test_closing_it_frees_its_port_and_closing_it_again_changes_nothing() -> None:
    broker = FakeBroker()
    broker.close()
    broker.close()
    with FakeBroker(broker.port) as again:
        assert again.port == broker.port


def test_a_port_that_is_taken_is_named() -> None:
    with FakeBroker() as broker, pytest.raises(EmbeddedError, match=f"port {broker.port}"):
        FakeBroker(broker.port)


def test_without_fakeredis_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fakeredis", None)
    with pytest.raises(EmbeddedError, match=r"scrypath-celery\[dev\]"):
        FakeBroker()


def test_other_fakeredis_servers_of_the_process_stay_as_they_are() -> None:
    with FakeBroker():
        assert not TCPFakeRequestHandler.disable_nagle_algorithm
