"""meilisync's `refresh`, which users would pick instead: the whole process, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import make_url

from tests.bench.application import engine

RELEASE = "meilisync[all]==0.1.3"
EXTRAS = ("motor", "asyncmy", "redis", "psycopg2-binary")
"""What it imports whatever it is used for."""

_CONFIGURATION = """
progress: {{type: file, path: {folder}/progress.json}}
source: {{type: postgres, host: {host}, port: {port}, user: {user}, password: {password}, database: {database}}}
meilisearch: {{api_url: "{url}", insert_size: 1000}}
sync: [{{table: cities, index: cities, pk: id}}]
"""


def installed(folder: Path) -> Path | None:
    """The program, installed apart from us; None where no registry answers."""
    home = folder / "meilisync"
    program = home / "bin" / "meilisync"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
        command = [str(home / "bin" / "pip"), "install", "--quiet", RELEASE, *EXTRAS]
        try:
            done = subprocess.run(command, capture_output=True, timeout=180)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
    return program


def refresh(program: Path, folder: Path, url: str) -> float:
    """Seconds that a refresh of the cities takes, start-up and swap among them.

    Raises:
        CalledProcessError: it failed.
    """
    where = make_url(engine.url)
    text = _CONFIGURATION.format(
        folder=folder,
        host=where.host or where.query.get("host", "127.0.0.1"),
        port=where.port or 5432,
        user=where.username or "postgres",
        password=where.password or '""',
        database=where.database,
        url=url,
    )
    path = folder / "meilisync.yml"
    path.write_text(text)
    began = time.perf_counter()
    command = [str(program), "-c", str(path), "refresh", "-t", "cities"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    return time.perf_counter() - began
