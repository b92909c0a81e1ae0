"""What importing the package brings along, and what it offers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

import scrypath_celery
from tests.imports import PACKAGE, modules

WEB = {"starlette", "uvicorn", "aiohttp", "fastapi"}
HEAVY = {"click", "celery.worker", "fakeredis", "pytest", "alembic", "opentelemetry", *WEB}


WORKER = ("tasks", "relay_step", "listen_step", "inspect", "strategy")
"""The modules of `scrypath_celery.worker` that a worker has loaded when it is ready."""

ABSENT = {"greenlet", "sqlalchemy.ext.asyncio"}
"""What an application without asyncio may not have installed."""


def loaded_with(module: str) -> set[str]:
    """The modules that importing this one loads, in a process of its own."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_no_command_line_worker_or_web_code() -> None:
    loaded = loaded_with("scrypath_celery")
    assert "scrypath_celery" in loaded
    assert sorted(HEAVY & loaded) == []


def loaded_by_a_worker() -> set[str]:
    return loaded_with(", ".join(["scrypath_celery.app", *(f"scrypath_celery.worker.{name}" for name in WORKER)]))


def test_a_worker_starts_without_what_searches_and_operators_need() -> None:
    loaded = loaded_by_a_worker()
    assert "scrypath_celery.worker.inspect" in loaded
    late = {"scrypath_celery.operator.", "scrypath_celery.searching.", "pydantic.", "meilisearch.", "requests."}
    found = {name for name in loaded if any(f"{name}.".startswith(one) for one in late)}
    assert found <= {"scrypath_celery.operator", "scrypath_celery.operator.serialization"}


def test_a_worker_starts_with_no_dialect_of_a_database_that_it_may_not_use() -> None:
    assert [name for name in loaded_by_a_worker() if name.startswith(("sqlalchemy.dialects.", "sqlite3"))] == []


def test_a_worker_starts_without_what_makes_triggers_and_tracks_sessions() -> None:
    late = {
        "scrypath_celery.ledger.triggers.triggers",
        "scrypath_celery.capture.track",
        "scrypath_celery.capture.links",
    }
    assert late & loaded_by_a_worker() == set()


@pytest.mark.parametrize("module", ["scrypath_celery", "scrypath_celery.worker.tasks", "scrypath_celery.cli.group"])
def test_an_application_without_asyncio_needs_no_greenlet(module: str) -> None:
    without = f"import sys; sys.modules.update(dict.fromkeys({sorted(ABSENT)})); import {module}"
    subprocess.run([sys.executable, "-W", "error", "-c", without], check=True)


def test_the_list_of_public_names_is_explicit_and_complete() -> None:
    offered = scrypath_celery.__all__
    assert offered == sorted(set(offered))
    for name in offered:
        assert getattr(scrypath_celery, name) is not None
    submodules = {name.split(".")[1] for name in modules() if "." in name}
    there = {name for name in dir(scrypath_celery) if name.isidentifier() and not name.startswith("_")}
    assert there - submodules - {"annotations"} - set(offered) == set()


def test_the_package_imports_its_own_modules_by_relative_names() -> None:
    found = []
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level and str(node.module).split(".")[0] == PACKAGE:
                found.append(f"{name}:{node.lineno}")
    assert found == []
