"""PostgreSQL: named by the environment, on the loopback default, or a private cluster from the installed binaries."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, make_url

from tests.services.absence import absent
from tests.services.database import DatabaseServer, reachable
from tests.services.process import ServerProcess, binary, free_port, private_folder

_DEFAULT = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_FOLDERS = ("/usr/lib/postgresql/*/bin",)


@contextmanager
def postgresql_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL server that is up."""
    named = os.environ.get("SCRYPATH_TEST_POSTGRESQL")
    url = make_url(named or _DEFAULT)
    reason = reachable(url)
    if reason is None:
        yield _server(url)
    elif named:
        absent("PostgreSQL", f"SCRYPATH_TEST_POSTGRESQL: {reason}")
    else:
        with private_server(reason) as private:
            yield private


def _server(admin: URL) -> DatabaseServer:
    end = "SELECT 'SELECT pg_terminate_backend(' || pid || ')' FROM pg_stat_activity WHERE datname = '{name}'"
    return DatabaseServer(
        admin=admin,
        create="CREATE DATABASE {name}",
        drop=(end, "DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        empty=lambda tables: [f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"] if tables else [],
    )


@contextmanager
def private_server(reason: str) -> Iterator[DatabaseServer]:
    """A private server that is up; `reason` says why no other one is used."""
    initdb, postgres = binary("initdb", *_FOLDERS), binary("postgres", *_FOLDERS)
    if initdb is None or postgres is None:
        absent("PostgreSQL", f"{reason}; and no initdb and postgres to start one")
    # The server refuses to run as root, and its account must reach its files.
    account = "postgres" if os.geteuid() == 0 else None
    with private_folder(account) as folder:
        command = [initdb, "-D", str(folder / "data"), "-U", "postgres", "--auth", "trust", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, user=account, cwd=folder)
        port = free_port()
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [postgres, "-D", str(folder / "data"), "-p", str(port), *options]
        server = _Postgresql("postgresql", command, port=port, folder=folder, account=account).start()
        try:
            yield _server(server.admin)
        finally:
            server.stop()


class _Postgresql(ServerProcess):
    @property
    def admin(self) -> URL:
        return make_url(_DEFAULT).set(port=self.port)

    def answers(self) -> bool:
        return reachable(self.admin) is None
