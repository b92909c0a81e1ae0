"""The fixtures that name a database, a broker or a worker; see `tests.services` for where the servers come from."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.order import arrange
from tests.services.absence import absent
from tests.services.database import DatabaseServer
from tests.services.mariadb import mariadb_server
from tests.services.postgresql import postgresql_server
from tests.services.rabbitmq import RabbitMQ, RabbitMQServer, rabbitmq_broker, rabbitmq_node
from tests.services.redis import RedisServer, fakeredis_process, flush, reachable, redis_process
from tests.worker import Worker

if TYPE_CHECKING:
    from tests.spans import Spans

_KINDS = ("unit", "integration", "acceptance")
_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 2 * 1024**3


def _files_in_memory() -> None:
    """Put temporary files, also those of child processes, where no write waits for a disk, if there is such a place."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    found = os.statvfs(_MEMORY)
    if found.f_bavail * found.f_frsize > _MEMORY_NEEDED and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


_files_in_memory()
# A shell that starts the suite in the background has interrupts ignored in it, and in all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Workers and commands are processes of their own, which would spend most of their time on compiling what they import.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Tests are collected without garbage to speak of.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its kind: the folder that it lies in, `integration` where the folder is named for a part.

    Long tests begin first.
    """
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in _KINDS):
            item.add_marker(next((kind for kind in _KINDS if kind in item.path.parts), "integration"))
    arrange(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is imported by now out of every later look for garbage, which otherwise takes most of its time."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_open() -> Iterator[None]:
    """What a module leaves unclosed is told at its last test, and not at whichever runs when it is collected.

    What it leaves otherwise (modules, statements that are compiled) stays, and is not looked at again either.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """The spans of this test, which traces with OpenTelemetry."""
    from tests.spans import collected  # other tests run as applications that have not imported it

    with collected(monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """The PostgreSQL server; `with postgresql.database() as url:` is a database of one's own."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """The MariaDB server; `with mariadb.database() as url:` is a database of one's own."""
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="module")
def lend() -> Iterator[Callable[[DatabaseServer], str]]:
    """A database of a server for all tests of a module, in which no row is left of the test before."""
    lent: dict[DatabaseServer, str] = {}
    with ExitStack() as stack:

        def lend_it(server: DatabaseServer) -> str:
            if server in lent:
                server.clear(lent[server])
            else:
                lent[server] = stack.enter_context(server.database())
            return lent[server]

        yield lend_it


def _database(server: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[str]:
    if request.node.get_closest_marker("one_database"):
        yield request.getfixturevalue("lend")(server)
        return
    with server.database() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh PostgreSQL database, dropped after the test; see the marker `one_database`."""
    yield from _database(postgresql, request)


@pytest.fixture
def mariadb_url(mariadb: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh MariaDB database, dropped after the test; see the marker `one_database`."""
    yield from _database(mariadb, request)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'application.db'}"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind; `parametrize("database_url", ["sqlite"], indirect=True)` picks kinds."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def module_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of each kind, for all tests of a module, which keep what they find."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('module') / 'application.db'}"
        return
    with request.getfixturevalue(request.param).database() as url:
        yield url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[[], RedisServer]]:
    """A factory of private Redis servers that a test may stop, kill, freeze, thaw and flush."""
    with ExitStack() as stack:

        def start() -> RedisServer:
            server = redis_process(tmp_path)
            if server is None:
                absent("Redis", "there is no redis-server binary to start one")
            stack.callback(server.stop)
            return server.start()

        yield start


@pytest.fixture
def fakeredis_server(tmp_path: Path) -> Iterator[Callable[[], RedisServer]]:
    """A factory of fakeredis servers, each in a process of its own, with the same handles as `redis_server`."""
    with ExitStack() as stack:

        def start() -> RedisServer:
            server = fakeredis_process(tmp_path)
            stack.callback(server.stop)
            return server.start()

        yield start


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis: the one that SCRYPATH_TEST_REDIS names (it is flushed), else a private one."""
    named = os.environ.get("SCRYPATH_TEST_REDIS")
    if not named:
        return str(request.getfixturevalue("redis_server")().url)
    reason = reachable(named)
    if reason:
        absent("Redis", f"SCRYPATH_TEST_REDIS: {reason}")
    flush(named)
    return named


@pytest.fixture
def fakeredis_url(fakeredis_server: Callable[[], RedisServer]) -> str:
    """An empty fakeredis over TCP."""
    return fakeredis_server().url


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """The RabbitMQ broker; `with rabbitmq.vhost() as url:` is a vhost of one's own."""
    with rabbitmq_broker() as broker:
        yield broker


@pytest.fixture
def rabbitmq_url(rabbitmq: RabbitMQ) -> Iterator[str]:
    """A fresh vhost, deleted after the test."""
    with rabbitmq.vhost() as url:
        yield url


@pytest.fixture
def rabbitmq_server() -> Iterator[RabbitMQServer]:
    """A private RabbitMQ node that a test may stop, kill, freeze and thaw (it takes some seconds to start)."""
    with rabbitmq_node() as node:
        yield node


@pytest.fixture(params=["fakeredis", "redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """An empty broker of each kind; `parametrize("broker_url", ["fakeredis"], indirect=True)` picks kinds."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """A factory of running workers: `start_worker("shop.celery", pool="threads", env={...})`.

    They end with the test; a test that fails shows what they logged.
    """
    with ExitStack() as stack:

        def start(app: str, **options: Any) -> Worker:
            worker = Worker(app, folder=options.pop("folder", tmp_path), **options)
            stack.callback(worker.show)
            stack.callback(worker.kill)  # a warm shutdown takes seconds, and is the subject of tests of its own
            return worker.start()

        yield start
