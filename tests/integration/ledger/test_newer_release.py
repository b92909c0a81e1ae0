"""A ledger that a newer release uses too: its columns, works and claims are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from scrypath_celery.convergence import relay as relaying
from scrypath_celery.errors import LedgerUnavailable
from scrypath_celery.ledger import Ledger, claims, indexes, maintenance, overview, parts, tables, works
from scrypath_celery.ledger.migrate import upgrade
from scrypath_celery.work import Mode, Operation, State
from tests.blog import Blog, open_blog

pytestmark = pytest.mark.one_database

TABLES = [table.name for table in tables.TABLES]


def add_claim(ledger: Ledger, operation: str, *, mode: str = "celery") -> int:
    """A claim whose lease is over, with a work that this release may not know."""
    (id,) = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.CELERY))
    held = ledger.run(lambda tx: claims.take(tx, "post", documents=10, lease=-1.0, worker="another:1:1"))
    assert held is not None
    change = update(tables.work).where(tables.work.c.id == id).values(operation=operation, mode=mode)
    ledger.run(lambda tx: tx.execute(change))
    return id


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["INTEGER", "VARCHAR(20) DEFAULT 'new'", "INTEGER NOT NULL DEFAULT 1"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_column_of_a_newer_release_is_left_alone(ledger: Ledger, engine: Engine, table: str, kind: str) -> None:
    ledger.identity()
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN novelty {kind}"))
    fresh = Ledger(lambda: engine)
    (id,) = fresh.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2"], Mode.CELERY))
    held = fresh.run(lambda tx: claims.take(tx, "post", documents=10, lease=60.0, worker="test"))
    assert held is not None
    fresh.run(lambda tx: parts.split(tx, held.works[0]))
    assert fresh.run(lambda tx: works.get(tx, id)).state is State.RUNNING


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
def test_tables_with_a_newer_column_can_be_adopted(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE scrypath_work ADD COLUMN novelty INTEGER"))
    upgrade(engine)
    ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.CELERY))


@pytest.mark.parametrize(("operation", "mode"), [("verify", "celery"), ("upsert", "later"), ("verify", "later")])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_works_of_a_newer_release_are_given_back_to_it(ledger: Ledger, operation: str, mode: str) -> None:
    id = add_claim(ledger, operation, mode=mode)
    assert ledger.run(lambda tx: maintenance.free(tx, max_claims=1, watch=60.0)) == 1
    with ledger.begin() as connection:
        state = connection.execute(tables.work.select().where(tables.work.c.id == id)).one().state
    assert state == "pending"
    assert ledger.run(lambda tx: claims.take(tx, "post", documents=10, lease=60.0, worker="test")) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_words_of_a_newer_release_for_reasons_are_read_as_unknown(ledger: Ledger) -> None:
    add_claim(ledger, "upsert")
    ledger.run(lambda tx: tx.execute(update(tables.work).values(reason_class="novel", state="failed")))
    ledger.run(lambda tx: tx.execute(update(tables.index).values(pause_class="novel", paused_until=1.0)))
    assert [item.reason_class for item in ledger.run(lambda tx: works.listed(tx, [State.FAILED]))] == ["unknown"]
    assert [group.reason_class for group in ledger.run(lambda tx: overview.groups(tx, [State.FAILED]))] == ["unknown"]
    row = ledger.run(lambda tx: indexes.get(tx, "post"))
    assert row is not None
    assert row.pause is not None
    assert row.pause.reason_class == "unknown"


@pytest.fixture
def blog(sqlite_url: str) -> Iterator[Blog]:
    opened = open_blog(sqlite_url)
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize("step", ["free", "poll", "watch"])
def test_a_step_of_the_relay_that_fails_holds_up_no_other(
    blog: Blog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    def fail(runtime: Any) -> int:
        raise KeyError("a row of another release")

    monkeypatch.setattr(relaying, step, fail)
    runtime = replace(blog.runtime, publish=lambda uid, ids, **about: None)
    runtime.ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.CELERY))
    runtime.ledger.run(lambda tx: tx.execute(update(tables.work).values(publish_after=0.0)))
    done = relaying.relay(runtime, force=True)
    assert done is not None
    assert (done.published, list(done.errors.values())) == (1, ["KeyError"])
    assert "a step of the relay failed" in caplog.text


def test_a_pass_ends_where_the_ledger_does_not_answer(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(runtime: Any) -> int:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(relaying, "free", fail)
    with pytest.raises(LedgerUnavailable):
        relaying.relay(blog.runtime, force=True)
