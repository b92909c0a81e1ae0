"""The rooms of the package, and which of them may know which."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import pytest

from tests.imports import PACKAGE, Import, imports, modules

FOUNDATION, DECLARATION, ADAPTERS, SERVICES, FACADE, EDGES = range(6)

LAYERS = {
    "errors": FOUNDATION,
    "work": FOUNDATION,
    "connect_arguments": FOUNDATION,
    "asynchronous": FOUNDATION,
    "environment": FOUNDATION,
    "masking": FOUNDATION,
    "totals": FOUNDATION,
    "logs": FOUNDATION,
    "notices": FOUNDATION,
    "tracing": DECLARATION,
    "arguments": DECLARATION,
    "argument_checks": DECLARATION,
    "config": DECLARATION,
    "option_checks": DECLARATION,
    "setting_defaults": FOUNDATION,
    "declaration": DECLARATION,
    "searching.query": DECLARATION,
    "engine": ADAPTERS,
    "ledger": ADAPTERS,
    "source": ADAPTERS,
    "binding": ADAPTERS,
    "runtime": SERVICES,
    "capture": SERVICES,
    "convergence": SERVICES,
    "rebuild": SERVICES,
    "operator": SERVICES,
    "searching": SERVICES,
    "playbooks": SERVICES,
    "app": FACADE,
    "searches": FACADE,
    "operations": FACADE,
    "application": FACADE,
    "declaration_watch": FACADE,
    "destination_watch": FACADE,
    "telling": FACADE,
    "hooks": FACADE,
    "error_tracking": FACADE,
    "signals": FACADE,
    "": FACADE,
    "worker": EDGES,
    "cli": EDGES,
    "embedded": EDGES,
    "dashboard": EDGES,
    "metrics": EDGES,
    "testing": EDGES,
    "demo": EDGES,
}

APART = {ADAPTERS, EDGES}
"""Layers whose rooms never know each other."""

SERVICE_EDGES = {
    ("capture", "convergence"),
    ("operator", "capture"),
    ("operator", "convergence"),
    ("rebuild", "convergence"),
    ("operator", "rebuild"),
    ("playbooks", "searching"),
}
"""Which service may know which other, beside the runtime that all of them are given."""

EXCEPTIONS = {
    ("demo", "embedded"),
    ("demo", "testing"),
    ("testing", "embedded"),
}
"""Who may know whom beyond the layers: the fixtures and the demo start the embedded parts."""

LAZY_EXCEPTIONS = {
    ("application", "worker"),
    ("cli", "demo"),
    ("cli", "embedded"),
    ("cli", "metrics"),
    ("cli", "testing"),
    ("cli", "worker"),
}
"""The same, inside functions alone: the facade composes the Celery tasks, commands start what they were asked for."""

CLIENTS = {"meilisearch", "requests", "urllib3", "http", "httpx", "socket"}
CELERY = {"celery", "kombu", "billiard", "amqp"}
WEB = {"starlette", "uvicorn", "aiohttp", "fakeredis", "flask", "fastapi"}
SQL = {"sqlalchemy", "alembic", "sqlite3", "psycopg", "pymysql"}

FORBIDDEN_IMPORTS: Mapping[str, set[str]] = {
    **{name: CLIENTS | CELERY | WEB | {"click"} for name, layer in LAYERS.items() if layer == DECLARATION},
    **{name: CLIENTS - {"socket"} | CELERY | WEB | {"click"} for name, layer in LAYERS.items() if layer == SERVICES},
    "engine": SQL | CELERY | WEB | {"click"},
    "ledger": CLIENTS - {"socket"} | CELERY | WEB | {"click"},
    "source": CLIENTS | CELERY | WEB | {"click"},
    "app": WEB | {"click", "requests", "urllib3"},
    "searches": WEB | {"click", "requests", "urllib3"},
    "operations": WEB | {"click", "requests", "urllib3"},
    "application": WEB | {"click", "requests", "urllib3"},
    "": WEB | {"click", "requests", "urllib3"},
    "embedded": {"meilisearch", "sqlalchemy", "alembic"} | CELERY,
    "worker": WEB | {"click", "meilisearch", "requests"},
    "cli": WEB | {"meilisearch", "requests"},
}
"""Third-party packages that have no business in a room."""


def layer_room(module: str) -> str:
    """The room of a module of the package: the longest name of the table that it lies in."""
    inner = module.removeprefix(PACKAGE).removeprefix(".")
    fitting = [name for name in LAYERS if name and f"{inner}.".startswith(f"{name}.")]
    return max(fitting, key=len) if fitting else inner.partition(".")[0]


def inside() -> list[tuple[str, str, Import]]:
    """The imports that lead from one room of the package to another."""
    found = [one for one in imports() if f"{one.target}.".startswith(f"{PACKAGE}.")]
    pairs = [(layer_room(one.module), layer_room(one.target), one) for one in found]
    return [
        (source, target, one) for source, target, one in pairs if source != target and {source, target} <= LAYERS.keys()
    ]


def allowed(source: str, target: str, one: Import) -> bool:
    """Whether the layers, or an exception by name, let `source` know `target`."""
    if (source, target) in EXCEPTIONS or (one.lazy and (source, target) in LAZY_EXCEPTIONS):
        return True
    if source == "embedded":
        return LAYERS[target] == FOUNDATION
    if LAYERS[source] == LAYERS[target] == SERVICES:
        return target == "runtime" or (source, target) in SERVICE_EDGES
    if LAYERS[source] == LAYERS[target]:
        return LAYERS[source] not in APART
    return LAYERS[target] < LAYERS[source]


def circle(edges: Iterable[tuple[str, str]]) -> list[str]:
    """One circle in the graph of `edges`, as the way around it; empty where there is none."""
    graph: dict[str, set[str]] = {}
    for source, target in edges:
        graph.setdefault(source, set()).add(target)
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        done.add(node)
        return next((found for target in sorted(graph.get(node, ())) if (found := walk(target, [*way, node]))), [])

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


def test_every_module_has_its_place_in_the_table_of_layers() -> None:
    assert modules()
    assert [name for name in modules() if layer_room(name) not in LAYERS] == []


def test_each_room_knows_only_the_layers_below_it() -> None:
    assert [str(one) for source, target, one in inside() if not allowed(source, target, one)] == []


def test_the_foundation_stands_on_the_standard_library_alone() -> None:
    ours = [one for one in imports() if LAYERS.get(layer_room(one.module)) == FOUNDATION]
    assert ours
    roots = {one: one.target.partition(".")[0] for one in ours}
    assert [str(one) for one, root in roots.items() if root != PACKAGE and root not in sys.stdlib_module_names] == []


@pytest.mark.parametrize("name", FORBIDDEN_IMPORTS)
def test_no_room_imports_a_library_that_belongs_elsewhere(name: str) -> None:
    ours = [one for one in imports() if layer_room(one.module) == name and not one.typing]
    assert [str(one) for one in ours if one.target.partition(".")[0] in FORBIDDEN_IMPORTS[name]] == []


def test_no_module_imports_itself_by_a_detour() -> None:
    pairs = [(one.module, one.target) for one in imports() if one.target in modules() and not one.typing]
    lazily = {(one.module, one.target) for source, target, one in inside() if (source, target) in LAZY_EXCEPTIONS}
    assert circle(pair for pair in pairs if pair not in lazily) == []


def test_no_room_imports_itself_by_a_detour() -> None:
    excepted = EXCEPTIONS | LAZY_EXCEPTIONS
    assert circle((source, target) for source, target, _ in inside() if (source, target) not in excepted) == []


def test_a_circle_would_be_found() -> None:
    assert circle([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == ["a", "b", "c", "a"]
    assert circle([("a", "b"), ("a", "c"), ("b", "c")]) == []
