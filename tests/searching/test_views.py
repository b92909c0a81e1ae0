"""The example's views: a page of Flask and an API of FastAPI, on an engine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.testing.engine import EngineUnderTest
from tests.imports import ROOT

EXAMPLE = ROOT.parent / "examples" / "catalogue"


@pytest.fixture
def catalogue(scrypath_engine: EngineUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The example's models, filled and searched on the engine of the tests."""
    monkeypatch.setenv("CATALOGUE_DATABASE", f"sqlite:///{tmp_path / 'catalogue.db'}")
    monkeypatch.syspath_prepend(EXAMPLE)
    before = set(sys.modules)
    models = importlib.import_module("catalogue.models")
    with models.search.override(**scrypath_engine.options):
        models.fill()
        yield models
    models.engine.dispose()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "catalogue":
            del sys.modules[name]


def test_a_page_of_flask_shows_facets_that_can_be_ticked(catalogue: Any) -> None:
    client = importlib.import_module("catalogue.flask_app").app.test_client()
    page = client.get("/").text
    assert "6 books" in page
    assert "[ ] novel (3)" in page
    ticked = client.get("/?genre=essays&genre=poems&price.lte=10&sort=price").text
    assert "2 books" in ticked
    assert "[x] essays (1)" in ticked  # as many as the price leaves
    assert "[ ] novel (0)" not in ticked
    assert ticked.index("A Room of One&#39;s Own") < ticked.index("Ariel")
    assert 'href="?genre=poems&amp;price.lte=10&amp;sort=price"' in ticked  # the link that drops the essays
    wrong = client.get("/?price.gte=cheap").text
    assert "price.gte must be a number" in wrong
    assert "6 books" in wrong


def test_an_api_of_fastapi_answers_with_facets_errors_and_suggestions(catalogue: Any) -> None:
    from fastapi.testclient import TestClient

    with TestClient(importlib.import_module("catalogue.fastapi_app").app) as client:
        found = client.get("/books", params={"q": "room", "genre": ["essays", "novel"]}).json()
        assert (found["books"], found["total"], found["pages"]) == (["A Room of One's Own"], 1, 1)
        assert found["facets"]["author"] == {"Virginia Woolf": 1}
        wrong = client.get("/books?page=zero")
        assert (wrong.status_code, "page" in wrong.json()["detail"]) == (422, True)
        assert client.get("/authors?prefix=urs").json() == [{"name": "Ursula K. Le Guin", "books": 3}]
        with catalogue.search.override(meilisearch_url="http://127.0.0.1:9"):
            assert client.get("/books").status_code == 503
