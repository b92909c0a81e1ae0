"""Start-up: the help of our commands against Celery's, and what importing us adds to a worker."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory

from tests.bench.report import Line

_HELP = "import sys; from {module} import main; sys.argv = ['x', '--help']; main()"
_IMPORTS = """
import json, time
def spent(*names):
    began = time.process_time()
    for name in names:
        __import__(name)
    return time.process_time() - began
parts = ("apps.worker", "worker", "worker.control", "worker.strategy")  # without us, a worker that is ready has them
celery = spent("celery", *(f"celery.{name}" for name in parts), "kombu.transport.redis")
alchemy = spent("sqlalchemy", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql.psycopg")
worker = ("tasks", "relay_step", "listen_step", "inspect", "strategy")  # what one has loaded when it is ready
ours = spent("scrypath_celery.app", *(f"scrypath_celery.worker.{name}" for name in worker))
print(json.dumps([celery, alchemy, ours]))
"""


def start(times: int) -> Iterator[Line]:
    """Both, as medians of several runs, with compiled modules: an installed package has them."""
    with TemporaryDirectory(prefix="scrypath-bench-") as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield from _measured(times, environment)


def _measured(times: int, environment: Mapping[str, str]) -> Iterator[Line]:
    ours, theirs = [], []
    for _ in range(times + 1):
        ours.append(_timed(_HELP.format(module="scrypath_celery.cli"), environment))
        theirs.append(_timed(_HELP.format(module="celery.__main__"), environment))
    del ours[0], theirs[0]  # which compiled the modules
    mine, celerys = statistics.median(ours), statistics.median(theirs)
    yield Line(
        name="scrypath-celery --help / celery --help",
        ours=f"{mine * 1000:.0f} ms",
        theirs=f"{celerys * 1000:.0f} ms",
        ratio=mine / celerys,
        target="<= 0.5",
    )
    found = [_imports(environment) for _ in range(times + 1)][1:]
    celery, alchemy, added = (statistics.median(one[at] for one in found) for at in range(3))
    yield Line(
        name="a worker's import of ours, over Celery's and SQLAlchemy's own / 150 ms",
        ours=f"{added * 1000:.0f} ms of processor",
        theirs=f"150 ms (Celery {celery * 1000:.0f} ms, SQLAlchemy {alchemy * 1000:.0f} ms)",
        ratio=added / 0.15,
        target="<= 1",
    )


def _timed(code: str, environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    return time.perf_counter() - began


def _imports(environment: Mapping[str, str]) -> list[float]:
    command = [sys.executable, "-c", _IMPORTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: list[float] = json.loads(done.stdout)
    return found
