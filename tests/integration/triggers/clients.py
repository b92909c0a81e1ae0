"""The databases' own programs, as an operator uses them: dump a database, and run a file of statements."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import URL, make_url

from tests.services.absence import absent
from tests.services.process import binary


def dump(url: str) -> str:
    """All of a database, as statements."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(address.database or "")) as connection:
            return "\n".join(connection.iterdump())
    if address.get_backend_name() == "postgresql":
        return _run("pg_dump", _postgresql(address), address)
    return _run("mariadb-dump", [*_mariadb(address), address.database or ""], address)


def run(url: str, script: str) -> None:
    """Run a file of statements; the first that fails ends it."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(address.database or "")) as connection:
            connection.executescript(script)
    elif address.get_backend_name() == "postgresql":
        _run("psql", [*_postgresql(address), "-q", "-v", "ON_ERROR_STOP=1"], address, script)
    else:
        _run("mariadb", [*_mariadb(address), address.database or ""], address, script)


def _postgresql(address: URL) -> list[str]:
    where = {"-h": address.host, "-p": address.port, "-U": address.username, "-d": address.database}
    return [part for name, value in where.items() if value is not None for part in (name, str(value))]


def _mariadb(address: URL) -> list[str]:
    where = {"host": address.host, "port": address.port, "user": address.username}
    where["socket"] = address.query.get("unix_socket")  # type: ignore[assignment]
    return ["--no-defaults", *(f"--{name}={value}" for name, value in where.items() if value is not None)]


def _run(program: str, arguments: Sequence[str], address: URL, script: str = "") -> str:
    found = binary(program)
    if found is None:
        absent(program, "it is not installed")
    env = {**os.environ, "PGPASSWORD": address.password or "", "MYSQL_PWD": address.password or ""}
    done = subprocess.run([found, *arguments], input=script, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
