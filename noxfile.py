"""What there is to run in a checkout: `nox -s tests`, and the same for each session below."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True

PARALLEL = ("-n", "4", "--dist", "worksteal", "--durations", "20")
"""Most of what is long in the suite waits for processes; `-- -n 0` runs it in one. Tests that are long begin first."""
PART = tuple(
    f"tests/{folder}"
    for folder in ("unit", "integration", "related", "searching", "playbooks", "embedded", "metrics", "contract")
)
"""What covers most of the package in a few minutes: whatever needs no worker that lives and dies."""
SHORT = ("tests/unit", "tests/integration/ledger", "tests/related")
"""What another Python could break, beside what is captured and read: the ledger, SQLite, how words are parsed."""
LOWEST, LATEST = "constraints/lowest.txt", "constraints/latest.txt"
"""The oldest libraries that the package allows, and the newest that it was seen to work with."""


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


PYTHONS = list(_pythons())
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@nox.parametrize("python", PYTHONS)
@nox.session
def pythons(session: nox.Session) -> None:
    """The suite on each Python that is there: `nox -s 'pythons(3.13)'`; what is given after `--` goes to pytest."""
    session.install("-e", ".[test]", "-c", LATEST)
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


@nox.session(venv_backend="none")
def elsewhere(session: nox.Session) -> None:
    """A part of the suite on each Python that is there beside the one that runs nox: the more, the newer it is."""
    others = [python.id for python in PYTHONS if python.id != RUNNING]
    for python in others:
        wide = (*SHORT, *_named("capture", "source", "binding")) if python == others[-1] else SHORT[:1]
        session.notify(f"pythons({python})", posargs=wide)


@nox.session
def chaos(session: nox.Session) -> None:
    """The tests that kill, freeze or cut off something on purpose, with those that take minutes (about an hour)."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-m", "chaos", *session.posargs, env={"SCRYPATH_TEST_LONG": "1"})


@nox.session
def lowest(session: nox.Session) -> None:
    """A part of the suite with the oldest libraries that the package allows, and how many branches that part takes.

    Fewer branches than the floor in setup.cfg fail it; `-- tests` runs all of the suite.
    """
    session.install("-e", ".[test]", "pytest-cov", "-c", LOWEST)
    measured = ("--cov", "--cov-report=term:skip-covered")
    session.run("python", "-m", "pytest", *PARALLEL, *measured, *(session.posargs or PART))


@nox.session
def constraints(session: nox.Session) -> None:
    """The files of constraints/, made of setup.cfg and what there is to install today."""
    session.install("uv")
    for file, extras, resolution in ((LOWEST, "--extra=test", "lowest-direct"), (LATEST, "--all-extras", "highest")):
        plain = ("--no-header", "--no-annotate", "--quiet", "--output-file", file)
        universal = ("--universal", "--python-version", "3.11", "--resolution", resolution, extras)
        session.run("uv", "pip", "compile", "pyproject.toml", *universal, *plain)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """The types of the package, strictly, and what type checkers of applications know of it."""
    session.install("-e", ".[test,types,docs,browser]", "nox")
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


@nox.session
def reference(session: nox.Session) -> None:
    """The pages of docs/reference, made of the code."""
    session.install("-e", ".[test]")
    session.run("python", "docs/generate.py")


# Release gates: see docs/release-gates.md. Each takes less than ten minutes.

CONTRACT = ("tests/unit/test_docs.py", "tests/unit/test_docs_contract.py")


def _gate(session: nox.Session, *paths: str, **env: str) -> None:
    """These tests and the contract of the pages; a service that is not there fails them."""
    session.run("python", "-m", "pytest", *PARALLEL, *paths, *CONTRACT, *session.posargs, env={"CI": "true", **env})


def _named(*words: str) -> list[str]:
    """The files of tests whose names hold one of these words."""
    return sorted(str(path) for path in Path("tests").rglob("test_*.py") if any(word in path.name for word in words))


@nox.session(name="verify-operator")
def verify_operator(session: nox.Session) -> None:
    """Commands and what they stand on, Celery's inspect, Flower in a browser, metadata, and the pages."""
    session.install("-e", ".[test,docs,browser]")
    paths = ("tests/unit/cli", "tests/unit/operator", "tests/integration/cli", "tests/integration/operator")
    _gate(session, *paths, "tests/browser", "tests/acceptance/test_wheel.py", SCRYPATH_TEST_BROWSER="1")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session(name="verify-settings")
def verify_settings(session: nox.Session) -> None:
    """Settings, faceting and the schemas that declare them."""
    session.install("-e", ".[test]")
    _gate(session, *_named("setting", "facet", "schemas", "filters", "verify"), "tests/searching")


@nox.session(name="verify-recovery")
def verify_recovery(session: nox.Session) -> None:
    """Rollups, reports and the commands that repair; retries, lost workers and engines; chaos in short."""
    session.install("-e", ".[test]")
    paths = ("tests/integration/operator", "tests/integration/cli/test_commands.py", "tests/acceptance/test_death.py")
    _gate(session, *paths, "tests/integration/worker", "tests/convergence", "tests/chaos")


@nox.session(name="verify-minimal")
def verify_minimal(session: nox.Session) -> None:
    """The package without its extras."""
    session.install(".")
    script = Path("gates/minimal.py").resolve()
    session.chdir(session.create_tmp())
    session.run("python", str(script))


@nox.session(name="verify-engine")
def verify_engine(session: nox.Session) -> None:
    """The acceptance suite on the engine that MEILISEARCH_URL names."""
    if not os.environ.get("MEILISEARCH_URL"):
        session.error("MEILISEARCH_URL must name a running engine (and MEILISEARCH_API_KEY its key)")
    session.install("-e", ".[test]")
    _gate(session, "tests/acceptance", "tests/contract", "tests/searching")


@nox.session(name="verify-release")
def verify_release(session: nox.Session) -> None:
    """Sdist and wheel: what they say and hold; the wheel, in a clean environment, runs the quickstart."""
    session.install("build", "twine", "nox")
    folder = Path(session.create_tmp()).resolve()
    for old in (folder / "dist", folder / "checkout"):
        shutil.rmtree(old, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), ".")
    archives = [str(path) for path in (folder / "dist").iterdir()]
    session.run("twine", "check", "--strict", *archives)
    session.run("python", "-m", "gates.distribution", str(folder / "dist"), ".")
    session.run("bash", "-n", ".ci/run", external=True)
    session.run("python", "-m", "nox", "--list", silent=True)
    wheel = next(name for name in archives if name.endswith(".whl"))
    session.install("--force-reinstall", "--no-deps", wheel)
    session.install(f"{wheel}[test]")
    # Tests and pages without the package beside them: what is imported is what was installed.
    names = (
        "tests",
        "docs",
        "examples",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "constraints",
        "noxfile.py",
        ".ci",
        "setup.cfg",
        "pyproject.toml",
    )
    for name in names:
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        (folder / "checkout").mkdir(exist_ok=True)
        copy(name, folder / "checkout" / name)
    session.chdir(folder / "checkout")
    _gate(session, "tests/acceptance/test_quickstart.py")
