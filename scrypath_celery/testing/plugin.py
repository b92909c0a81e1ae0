"""The pytest plugin: fixtures that load by themselves, and import nothing before one of them is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol, Unpack

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..app import Scrypath
    from ..arguments import Database, OptionArguments
    from ..convergence.summary import Summary
    from .broker import FakeBroker
    from .engine import EngineUnderTest

_ENGINE = pytest.StashKey["EngineUnderTest"]()
_TOLD = pytest.StashKey[set[tuple[str, str]]]()


class Override(Protocol):
    """What `scrypath_override` is."""

    def __call__(
        self, search: Scrypath, *, database: Database | None = None, **options: Unpack[OptionArguments]
    ) -> Scrypath:
        """Other options, or another database, until the test ends; the same `Scrypath`."""


class Drain(Protocol):
    """What `scrypath_drain` is."""

    def __call__(self, search: Scrypath, *, connection: Connection | None = None) -> Summary:
        """Run all due work in this process, on `connection` where its transaction is never committed."""


@pytest.fixture(scope="session")
def scrypath_engine(pytestconfig: pytest.Config) -> Iterator[EngineUnderTest]:
    """A running engine: embedded, or the real one that MEILISEARCH_URL names.

    `scrypath_override(search, **scrypath_engine.options)` leads to it. It forgets all before each test that uses it.
    """
    from .engine import engine_under_test

    with engine_under_test() as engine:
        pytestconfig.stash[_ENGINE] = engine
        yield engine
        del pytestconfig.stash[_ENGINE]


@pytest.fixture(scope="session")
def scrypath_broker() -> Iterator[FakeBroker]:
    """A running broker that speaks Redis's protocol; `scrypath_broker.url` is Celery's `broker_url`."""
    from .broker import FakeBroker

    with FakeBroker() as broker:
        yield broker


@pytest.fixture
def scrypath_override() -> Iterator[Override]:
    """`scrypath_override(search, ...)` is `search.override(...)` until the test ends."""
    with ExitStack() as stack:

        def override(
            search: Scrypath, *, database: Database | None = None, **options: Unpack[OptionArguments]
        ) -> Scrypath:
            return stack.enter_context(search.override(database=database, **options))

        yield override


@pytest.fixture
def scrypath_drain(pytestconfig: pytest.Config) -> Drain:
    """`scrypath_drain(search)` runs all due work in this process; see `Scrypath.drain`.

    It warns (`UndeliveredField`, once for each field) where documents lack what their schema declares.
    """
    told = pytestconfig.stash.setdefault(_TOLD, set())

    def drain(search: Scrypath, *, connection: Connection | None = None) -> Summary:
        outcome = search.drain(connection=connection)
        if outcome.indexed:
            from .undelivered import warn_of_undelivered

            warn_of_undelivered(search, told)
        return outcome

    return drain


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a test that uses the engine: let it forget what the tests before left there."""
    engine = item.config.stash.get(_ENGINE, None)
    if engine is not None and "scrypath_engine" in getattr(item, "fixturenames", ()):
        engine.reset()
