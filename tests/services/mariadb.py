"""MariaDB: named by the environment, on the loopback defaults, or a private server from the installed binaries."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

from tests.services.absence import absent
from tests.services.database import DatabaseServer, reachable
from tests.services.process import ServerProcess, binary, free_port, private_folder

_DEFAULT = "mysql+pymysql://root@127.0.0.1:3306/"
_SOCKET = Path("/run/mysqld/mysqld.sock")


@contextmanager
def mariadb_server() -> Iterator[DatabaseServer]:
    """A MariaDB server that is up."""
    named = os.environ.get("SCRYPATH_TEST_MARIADB")
    urls = [make_url(named or _DEFAULT)]
    if not named and _SOCKET.is_socket():
        # Debian lets root in without a password, but only by the socket.
        urls.append(make_url(f"mysql+pymysql://root@localhost/?unix_socket={_SOCKET}"))
    reasons: list[str] = []
    for url in urls:
        reason = reachable(url)
        if reason is None:
            yield _server(url)
            return
        reasons.append(reason)
    if named:
        absent("MariaDB", f"SCRYPATH_TEST_MARIADB: {reasons[0]}")
    with private_server(reasons[0]) as private:
        yield private


IN_ITS_OWN = "COALESCE(info, '') NOT LIKE '%information_schema%'"
"""Of the list of processes: what reads such a table is shown in each database in turn whose triggers it looks at."""


def _server(admin: URL) -> DatabaseServer:
    # DROP DATABASE waits for the locks of every open transaction, so connections that a test left behind end first.
    end = f"SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = '{{name}}' AND {IN_ITS_OWN}"
    return DatabaseServer(
        admin=admin,
        create="CREATE DATABASE {name} CHARACTER SET utf8mb4",
        drop=(end, "DROP DATABASE IF EXISTS {name}"),
        empty=_empty,
    )


def _empty(tables: Sequence[str]) -> list[str]:
    # TRUNCATE would make each table anew.
    each = ("DELETE FROM `{}`", "ALTER TABLE `{}` AUTO_INCREMENT = 1")
    return ["SET FOREIGN_KEY_CHECKS = 0", *(statement.format(name) for name in tables for statement in each)]


@contextmanager
def private_server(reason: str) -> Iterator[DatabaseServer]:
    """A private server that is up; `reason` says why no other one is used."""
    install, mariadbd = binary("mariadb-install-db"), binary("mariadbd")
    if install is None or mariadbd is None:
        absent("MariaDB", f"{reason}; and no mariadb-install-db and mariadbd to start one")
    account = "mysql" if os.geteuid() == 0 else None
    with private_folder(account) as folder:
        # Somebody's option files name other folders: none is read.
        common = ["--no-defaults", f"--datadir={folder / 'data'}", *([f"--user={account}"] if account else [])]
        prepare = [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(prepare, check=True, capture_output=True, cwd=folder)
        port = free_port()
        address = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        files = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        server = _Mariadb("mariadb", [mariadbd, *common, *address, *files], port=port, folder=folder).start()
        try:
            yield _server(server.admin)
        finally:
            server.stop()


class _Mariadb(ServerProcess):
    @property
    def admin(self) -> URL:
        return make_url(_DEFAULT).set(port=self.port)

    def answers(self) -> bool:
        return reachable(self.admin) is None
