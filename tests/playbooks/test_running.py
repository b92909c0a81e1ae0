"""Playbooks run through the same searches, tenants included."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from celery import Celery

from scrypath_celery import FederatedResult, ManyResult, SearchResult
from scrypath_celery.errors import TenantRequired
from scrypath_celery.playbooks.directory import load
from scrypath_celery.playbooks.run import run
from scrypath_celery.testing.engine import EngineUnderTest
from tests.commands import invoke
from tests.playbooks.test_format import EXAMPLES
from tests.searching.library import Library, Page, Ticket, articles, open_library


@pytest.fixture
def library(scrypath_engine: EngineUnderTest) -> Iterator[Library]:
    """A library with something to find."""
    with open_library(scrypath_engine) as opened:
        opened.add(*articles())
        opened.add(Page(slug="about-kettles", title="About kettles"))
        opened.add(Ticket(id=1, title="x", state="open", org="acme"), Ticket(id=2, title="y", state="open", org="b"))
        yield opened


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    """The examples, with the names of the library in place of the shop's."""
    for path in EXAMPLES.glob("*.json"):
        text = path.read_text().replace('"Post"', '"Article"').replace('"author"', '"writer"')
        (tmp_path / path.name).write_text(text)
    return tmp_path


def test_a_search_is_run(library: Library, playbooks: Path) -> None:
    with library.session() as session:
        found = run(library.search.runtime, load(playbooks, "drafts-about-kettles"), session=session)
        assert isinstance(found, SearchResult)
        assert [one.id for one in found] == [4, 2]
        assert found.facets["status"] == {"draft": 2, "published": 2}


def test_searches_with_weights_are_merged(library: Library, playbooks: Path) -> None:
    with library.session() as session:
        found = run(library.search.runtime, load(playbooks, "kettles-everywhere"), session=session)
    assert isinstance(found, FederatedResult)
    assert (found.limit, {hit.schema for hit in found.hits}) == (10, {"Article", "Page"})


def test_whose_documents_are_meant_is_said_where_it_is_run(library: Library, playbooks: Path) -> None:
    playbook = load(playbooks, "open-tickets")
    with library.session() as session:
        with pytest.raises(TenantRequired):
            run(library.search.runtime, playbook, session=session)
        found = run(library.search.runtime, playbook, session=session, tenant="acme")
        assert isinstance(found, ManyResult)
        assert [one.total for one in found.ordered] == [1, 1]
        everybody = run(library.search.runtime, playbook, session=session, across_tenants=True)
        assert isinstance(everybody, ManyResult)
        assert [one.total for one in everybody.ordered] == [2, 1]


def test_the_command_runs_one_and_prints_ids_alone(
    library: Library, playbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("the_library")
    module.app = Celery("the_library", broker="memory://")  # type: ignore[attr-defined]
    library.search.init_app(module.app, **{**library.search._arguments, "playbooks": str(playbooks)})
    monkeypatch.setitem(sys.modules, "the_library", module)

    def command(*words: str) -> tuple[int, str, str]:
        done = invoke("-A", "the_library", "playbooks", *words)
        return done.exit_code, done.stdout, done.stderr

    assert command("run", "drafts-about-kettles")[:2] == (
        0,
        "schema=Article total=2 missing=0\n  Article 4\n  Article 2\n",
    )
    code, text, _ = command("run", "open-tickets", "--tenant", "acme", "--json")
    answer = json.loads(text)
    assert (code, answer["results"][0]["hits"]) == (0, [{"schema": "Ticket", "id": "1", "score": None}])
    code, text, error = command("run", "open-tickets")
    assert (code, text, "give tenant=" in error) == (1, "", True)
    assert command("list")[1].startswith("drafts-about-kettles: ")
