"""What there is to run in a checkout: `nox -s tests`, and the same for each session below."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True

PARALLEL = ("-n", "4", "--dist", "worksteal", "--durations", "20")
"""Most of what is long in the suite waits for processes; `-- -n 0` runs it in one. Tests that are long begin first."""


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite; what is given after `--` goes to pytest."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


def _pythons() -> Iterator[nox.param]:
    """The Pythons that the package is for and that are on this machine, in PATH or as pyenv keeps them."""
    for version in ("3.11", "3.12", "3.13", "3.14"):
        kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        for program in [shutil.which(f"python{version}"), *map(str, kept)]:
            # What pyenv puts into PATH is there for every version, and fails where the version is not chosen.
            if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
                yield nox.param(program, id=version)
                break


@nox.parametrize("python", list(_pythons()))
@nox.session
def pythons(session: nox.Session) -> None:
    """The suite on each Python that is there: `nox -s 'pythons(3.13)'`; what is given after `--` goes to pytest."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """The tests that kill, freeze or cut off something on purpose, with those that take minutes (about an hour)."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-m", "chaos", *session.posargs, env={"SCRYPATH_TEST_LONG": "1"})


@nox.session
def lowest(session: nox.Session) -> None:
    """The whole suite with the oldest libraries that the package says it works with."""
    session.install("uv")
    session.run("uv", "pip", "install", "--quiet", "--resolution", "lowest-direct", "-e", ".[test]")
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """The types of the package, strictly, and what type checkers of applications know of it."""
    session.install("-e", ".[test,types]")
    session.run("mypy")
    session.run("python", "-m", "pytest", "tests/typing")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, into docs/_build/html; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def bench(session: nox.Session) -> None:
    """The measurements, as ratios; what is given after `--` goes to them."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def differential(session: nox.Session) -> None:
    """The embedded engine beside the one that MEILISEARCH_URL names, by generated requests (some minutes)."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.differential", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The whole product on real input, without any service."""
    session.install("-e", ".[demo]")
    session.run("scrypath-celery", "demo", *session.posargs)
