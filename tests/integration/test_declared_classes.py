"""A class that is not declared is not searched in its base's place, and a typo is refused before anything runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.errors import SchemaError
from scrypath_celery.ledger import Ledger
from scrypath_celery.worker.relay_step import RelayStep
from tests.blog import Post, Story
from tests.commands import invoke
from tests.processes import environment, run


@pytest.fixture
def search(sqlite_url: str) -> Iterator[Scrypath]:
    """Posts are declared, stories, which are posts too, are not; no engine is there to be asked."""
    engine = create_engine(sqlite_url)
    search = Scrypath(database=engine, meilisearch_url="http://127.0.0.1:1", meilisearch_api_key="key")
    search.schema(fields=["title"])(Post)
    yield search
    engine.dispose()


def awaited(call: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    async def story() -> Any:
        async with AsyncSession() as session:
            return await call(session)

    return asyncio.run(story())


WAYS: dict[str, Callable[[Scrypath, Session], Any]] = {
    "search": lambda s, session: s.search(Story, "x", session=session),
    "asearch": lambda s, session: awaited(lambda own: s.asearch(Story, "x", session=own)),
    "search_many": lambda s, session: s.search_many([(Post, "x"), (Story, "x")], session=session),
    "a federated search": lambda s, session: s.search_many([(Story, "x")], session=session, federated=True),
    "facet_values": lambda s, session: s.facet_values(Story, "status", "d"),
    "hydrate": lambda s, session: s.hydrate(Story, [], session=session),
    "tenant_token": lambda s, session: s.tenant_token(Story, 1, expires_at=datetime(2999, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_undeclared_subclass_is_not_searched_in_its_bases_place(search: Scrypath, way: str) -> None:
    with Session() as session, pytest.raises(SchemaError, match="Story has no search schema of its own: search Post"):
        WAYS[way](search, session)


@pytest.fixture
def mistaken(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """An application whose schema has a typo, and whose mappers nothing has configured yet."""

    class Base(DeclarativeBase):
        pass

    class Book(Base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]

    engine = create_engine(sqlite_url)
    app = Celery("mistaken", broker="memory://", set_as_current=False)
    search = Scrypath(app, database=engine, meilisearch_url="http://127.0.0.1:1")
    search.schema(fields=["titel"])(Book)
    module = ModuleType("the_mistaken_shop")
    module.app, module.Book = app, Book  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "the_mistaken_shop", module)
    yield app
    engine.dispose()


TYPO = "Book has no field 'titel'; did you mean 'title'?"


@pytest.mark.parametrize(
    "command", ["ledger upgrade", "ledger check", "status", "failed", "reconcile", "backfill Book"]
)
def test_every_command_refuses_a_typo_with_the_nearest_name(mistaken: Celery, command: str) -> None:
    result = invoke("-A", "the_mistaken_shop", *command.split())
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {TYPO}\n")


def test_a_worker_does_not_start_with_a_typo(mistaken: Celery) -> None:
    parent = SimpleNamespace(app=mistaken, hostname="w1@here")
    with pytest.raises(SystemExit) as ended:
        RelayStep(parent)
    assert str(ended.value) == f"Error: the worker cannot start: {TYPO}"
    with ThreadPoolExecutor() as pool, pytest.raises(SchemaError) as caught:  # where it is no program of its own
        pool.submit(RelayStep, parent).result()
    assert str(caught.value) == TYPO


def test_a_worker_with_a_wrong_option_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "shop_with_options.py").write_text(
        "from celery import Celery\n"
        "from scrypath_celery import Scrypath\n"
        "app = Celery('shop', broker='memory://')\n"
        "search = Scrypath(app)\n"
    )
    command = [sys.executable, "-m", "celery", "-A", "shop_with_options", "worker", "-Q", "search_sync", "-P", "solo"]
    env = environment({"SCRYPATH_LEASE": "nan"}, folder=tmp_path)
    done = run(command, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert "Error: the worker cannot start: option 'lease' must be a number" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("with_session", [True, False])
def test_the_first_write_refuses_a_typo(mistaken: Celery, with_session: bool) -> None:
    search, book = mistaken.scrypath, sys.modules["the_mistaken_shop"].Book
    ledger: Ledger = search.ledger
    ledger.create_all()
    record = book(id=1, title="x")
    with Session(ledger.database) as session:
        book.metadata.create_all(session.connection())
        session.add(record)
        session.commit()
        if not with_session:
            session.expunge(record)
        for _ in range(2):
            with pytest.raises(SchemaError) as caught:
                search.sync_record(record)
            assert str(caught.value) == TYPO
