"""A private Redis, and the same from fakeredis in a process of its own: both lose everything when they stop."""

from __future__ import annotations

import sys
from pathlib import Path

import redis

from tests.services.process import ServerProcess, binary, free_port

_ROOT = Path(__file__).parents[2]


def flush(url: str) -> None:
    """Make the Redis at `url` forget everything: queues, unacknowledged messages, bindings."""
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def reachable(url: str) -> str | None:
    """None where a Redis answers at `url`, else why not."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        return f"{type(error).__name__}: {error}"
    return None


class RedisServer(ServerProcess):
    """A server that speaks Redis, with a URL that Celery takes as a broker."""

    @property
    def url(self) -> str:
        """The broker URL, the same after a restart."""
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Forget everything."""
        flush(self.url)

    def answers(self) -> bool:
        """Whether the server answers a ping."""
        return reachable(self.url) is None


def redis_process(folder: Path) -> RedisServer | None:
    """A Redis from the installed binary, not started yet; None where there is none."""
    program = binary("redis-server")
    if program is None:
        return None
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    return RedisServer("redis", [*command, "--dir", str(folder)], port=port, folder=folder)


def fakeredis_process(folder: Path) -> RedisServer:
    """A fakeredis server over TCP, not started yet."""
    port = free_port()
    command = [sys.executable, "-m", "tests.services.fake_redis", str(port)]
    return RedisServer("fakeredis", command, port=port, folder=folder, env={"PYTHONPATH": str(_ROOT)})
