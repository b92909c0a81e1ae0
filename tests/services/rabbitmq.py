"""RabbitMQ: named by the environment, on the loopback default, or a private node; every test has a vhost of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from kombu import Connection

from tests.services.absence import absent
from tests.services.process import ServerProcess, binary, free_port, private_folder

DEFAULT = "amqp://guest:guest@127.0.0.1:5672//"
BATCH = 4
"""Vhosts that are made at once: each call of rabbitmqctl starts an Erlang machine, and takes a second."""


class RabbitMQ:
    """A broker that is up."""

    def __init__(self, url: str, control: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """`control` is the command line of rabbitmqctl for this node; without one the default vhost is all there is."""
        self._url = url
        self._control = list(control)
        self._env = {**os.environ, **(env or {})}
        self._made: list[str] = []
        self._ready: list[str] = []

    @property
    def has_vhosts(self) -> bool:
        """Whether vhosts can be made here."""
        return bool(self._control) and self._ask('io:format("~s", [node()]).') is not None

    @contextmanager
    def vhost(self) -> Iterator[str]:
        """A fresh vhost; yields its broker URL. `close` deletes it, with all that is in it."""
        if not self._ready:
            self._ready = [f"scrypath-test-{secrets.token_hex(6)}" for _ in range(BATCH)]
            self._made += self._ready
            self._tell(
                f'[begin rabbit_vhost:add(Name, <<"tests">>), rabbit_auth_backend_internal:set_permissions'
                f'(<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"tests">>) end || Name <- {_names(self._ready)}].'
            )
        yield f"{self._url.removesuffix('/')}{self._ready.pop()}"

    def close(self) -> None:
        """Delete the vhosts that were made."""
        if self._made:
            self._tell(f'[rabbit_vhost:delete(Name, <<"tests">>) || Name <- {_names(self._made)}].')

    def _tell(self, expression: str) -> None:
        answer = self._ask(expression)
        if answer is None or "error" in answer:
            raise AssertionError(f"rabbitmqctl could not do it: {expression} {answer or ''}")

    def _ask(self, expression: str) -> str | None:
        command = [*self._control, "-q", "eval", expression]
        done = subprocess.run(command, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None


class RabbitMQServer(ServerProcess):
    """A private node, to be stopped, killed and frozen; what it holds survives a restart."""

    def __init__(self, program: str, folder: Path, *, mapper: int) -> None:
        """`program` starts a node in the foreground, `mapper` is the port of its port mapper."""
        port = free_port()
        self.environment = _environment(folder, port=port, mapper=mapper)
        super().__init__("rabbitmq", [program], port=port, folder=folder, env=self.environment)

    @property
    def url(self) -> str:
        """The broker URL of the default vhost, the same after a restart."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def broker(self) -> RabbitMQ:
        """The node as a broker on which vhosts can be made."""
        return RabbitMQ(self.url, _control(_script("rabbitmqctl")), self.environment)

    def answers(self) -> bool:
        """Whether a client can log in."""
        return reachable(self.url) is None


def reachable(url: str) -> str | None:
    """None where a client can log in at `url`, else why not."""
    connection = Connection(url, connect_timeout=2)
    try:
        connection.connect()
    except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
        return f"{type(error).__name__}: {error}"
    else:
        return None
    finally:
        connection.release()


@contextmanager
def rabbitmq_broker() -> Iterator[RabbitMQ]:
    """A broker that is up, a private one where none runs or where we may not make vhosts on the one that does."""
    named = os.environ.get("SCRYPATH_TEST_RABBITMQ")
    reason = reachable(named or DEFAULT)
    if named:
        if reason:
            absent("RabbitMQ", f"SCRYPATH_TEST_RABBITMQ: {reason}")
        with closing(RabbitMQ(named, _control(binary("rabbitmqctl")))) as broker:
            yield broker
        return
    running = RabbitMQ(DEFAULT, _control(binary("rabbitmqctl")))
    if reason is None and running.has_vhosts:
        with closing(running):
            yield running
        return
    with rabbitmq_node() as node:
        yield node.broker()


@contextmanager
def rabbitmq_node() -> Iterator[RabbitMQServer]:
    """A private node that is up, with a name, a folder and a port mapper of its own."""
    program, mapper = _script("rabbitmq-server"), binary("epmd")
    if program is None or mapper is None:
        absent("RabbitMQ", "none runs that we may use, and no rabbitmq-server and epmd to start one")
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder(None))
        port = free_port()
        epmd = ServerProcess("epmd", [mapper, "-port", str(port), "-address", "127.0.0.1"], port=port, folder=folder)
        stack.callback(epmd.stop)
        epmd.start()
        node = RabbitMQServer(program, folder, mapper=port)
        stack.callback(node.stop)
        yield node.start()


def _names(vhosts: Sequence[str]) -> str:
    return "[" + ", ".join(f'<<"{name}">>' for name in vhosts) + "]"


def _control(program: str | None) -> list[str]:
    return [program] if program else []


def _script(name: str) -> str | None:
    # Debian's commands in PATH change to the account of the system's node; those behind them do as they are told.
    behind = Path("/usr/lib/rabbitmq/bin") / name
    return str(behind) if behind.exists() else binary(name)


def _environment(folder: Path, *, port: int, mapper: int) -> dict[str, str]:
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\n")
    (folder / "rabbitmq-env.conf").touch()
    loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
    return {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": f"scrypath{port}@localhost",
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        "RABBITMQ_CTL_ERL_ARGS": loopback,
    }
