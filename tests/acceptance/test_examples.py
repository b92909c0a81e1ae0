"""The examples do what their pages say, with a worker process, the embedded engine and the embedded broker."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.testing.broker import FakeBroker
from tests.deadline import eventually
from tests.imports import ROOT
from tests.processes import OURS, environment
from tests.processes import run as run_program
from tests.worker import Worker

EXAMPLES = ROOT.parent / "examples"


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment that the examples' pages ask for, in force for this process too."""
    with EmbeddedEngine() as engine, FakeBroker() as broker:
        ours = {
            "SCRYPATH_MEILISEARCH_URL": engine.url,
            "SHOP_BROKER": broker.url,
            "SHOP_DATABASE": f"sqlite:///{tmp_path / 'shop.db'}",
        }
        for name, value in ours.items():
            monkeypatch.setenv(name, value)
        yield ours


def run(folder: Path, *words: str, fresh: bool = True) -> str:
    """Run a command in a folder; what it printed. `scrypath-celery` and `python3` are those of the tests."""
    program = OURS if words[0] == "scrypath-celery" else [sys.executable]
    env = environment(folder=folder)
    done = run_program([*program, *words[1:]], cwd=folder, env=env, fresh=fresh)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a module of an example afresh; afterwards it was never there."""
    before = set(sys.modules)

    def load(name: str) -> Any:
        monkeypatch.syspath_prepend(EXAMPLES / name.partition(".")[0])
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("shop", "fastapi_shop"):
            del sys.modules[name]


def test_the_shop_does_what_its_page_says(
    env: dict[str, str], start_worker: Callable[..., Worker], tmp_path: Path
) -> None:
    folder = EXAMPLES / "shop"
    run(folder, "python3", "-m", "shop.shelf", "fill")
    run(folder, "scrypath-celery", "ledger", "upgrade")
    start_worker("shop.main", cwd=folder, env=env)

    run(folder, "scrypath-celery", "reconcile", "--action", "backfill")
    kettles = run(folder, "python3", "-m", "shop.shelf", "find", "kettle")
    assert kettles.splitlines() == ["2 Travel kettle (Aqua) 19.50, 8 left", "1 Kettle (Aqua) 29.90, 3 left"]

    run(folder, "python3", "-m", "shop.shelf", "sell", "1", "--pieces", "3")
    found = ("python3", "-m", "shop.shelf", "find", "kettle", "--in-stock")
    eventually(
        lambda: run(folder, *found, fresh=False) == "2 Travel kettle (Aqua) 19.50, 8 left\n",
        what="a kettle that is sold out is found no more",
    )
    assert "failed=0" in run(folder, "scrypath-celery", "status")


def test_the_sales_of_the_shop_reach_its_index(
    env: dict[str, str], start_worker: Callable[..., Worker], importing: Callable[[str], Any]
) -> None:
    sales, models = importing("shop.sales"), importing("shop.models")
    shop = importing("shop.main").shop
    search = shop.celery_app.scrypath
    models.Base.metadata.create_all(shop.engine)
    search.ledger.create_all()
    start_worker("shop.main", cwd=EXAMPLES / "shop", env=env)

    def names(words: str = "") -> list[str]:
        with shop.sessions() as session:
            return [product.name for product in sales.find(session, words)]

    with shop.sessions.begin() as session:
        for name in ("Kettle", "Toaster", "Grill"):
            sales.offer(session, name, maker="Aqua", price=Decimal("20"), stock=1)
    eventually(lambda: _settled(search) and len(names()) == 3, what="three offers are found")

    with pytest.raises(sales.SoldOut), shop.sessions.begin() as session:
        sales.sell(session, 1, 2)
    assert _settled(search)

    with shop.sessions.begin() as session:
        sales.withdraw(session, 1)
        sales.discard(session, 2)
        sales.rename_maker(session, "Aqua", "Ignis")
    eventually(lambda: _settled(search), what="all changes are settled")
    assert names() == names("ignis") == ["Grill"]
    assert search.reconcile_sync().differs is False
    shop.engine.dispose()


def test_the_web_shop_answers_accepted_and_finds_a_moment_later(
    env: dict[str, str],
    start_worker: Callable[..., Worker],
    importing: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fastapi.testclient import TestClient

    monkeypatch.setenv("SHOP_DATABASE", env["SHOP_DATABASE"].replace("sqlite", "sqlite+aiosqlite"))
    api = importing("fastapi_shop.api")
    with TestClient(api.app) as client:
        run(EXAMPLES / "fastapi_shop", "scrypath-celery", "ledger", "upgrade")
        start_worker("fastapi_shop.service:celery_app", cwd=EXAMPLES / "fastapi_shop")

        def found(q: str) -> list[str]:
            eventually(lambda: _settled(api.search), what="all works are settled")
            return [one["name"] for one in client.get("/products", params={"q": q}).json()["products"]]

        answer = client.post("/products", json={"name": "Kettle", "price": 29.9})
        assert (answer.status_code, answer.json()["mode"], len(answer.json()["works"])) == (202, "celery", 1)
        assert found("kettle") == ["Kettle"]

        client.put("/products/1", json={"name": "Samovar", "price": 99.0})
        assert (found("samovar"), found("kettle")) == (["Samovar"], [])

        assert client.delete("/products/7").status_code == 404
        assert client.delete("/products/1").status_code == 202
        assert found("") == []
    api.search.ledger.database.dispose()


def _settled(search: Any) -> bool:
    return not any(one.queue.open for one in search.sync_status().indexes)
