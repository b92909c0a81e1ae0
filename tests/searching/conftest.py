"""One library for the tests that only search it, and fresh ones for those that change something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scrypath_celery.testing.engine import EngineUnderTest, engine_under_test
from tests.searching.library import Author, Library, Page, Ticket, articles, open_library


@pytest.fixture(scope="package")
def own_engine() -> Iterator[EngineUnderTest]:
    """An engine that keeps what it holds between tests."""
    with engine_under_test() as engine:
        yield engine


@pytest.fixture(scope="package")
def library(own_engine: EngineUnderTest) -> Iterator[Library]:
    """A library with articles, pages and tickets, which tests search and do not change."""
    with open_library(own_engine) as opened:
        first, *rest = articles()
        first.author = Author(name="Ann")
        pages = [Page(slug="about-kettles", title="About kettles"), Page(slug="imprint", title="Imprint")]
        tickets = [
            Ticket(id=1, title="Kettle broken", state="open", org="acme"),
            Ticket(id=2, title="Kettle lost", state="open", org="globex"),
            Ticket(id=3, title="Chair broken", state="closed", org="acme"),
            Ticket(id=4, title="Kettle found", state="open", org="ACME"),
        ]
        opened.add(first, *rest)
        opened.add(*pages)
        opened.add(*tickets)
        yield opened


@pytest.fixture
def fresh(scrypath_engine: EngineUnderTest) -> Iterator[Library]:
    """A library of the test's own, without any index yet."""
    with open_library(scrypath_engine) as opened:
        yield opened
