"""The target of a reindex: filled while the engine still makes it, never live unless it was seen to be as declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.errors import EngineError
from scrypath_celery.rebuild.begin import Asked, begin
from scrypath_celery.rebuild.create import MAKING
from scrypath_celery.rebuild.held import Held
from scrypath_celery.rebuild.phases import Phase
from scrypath_celery.rebuild.rebuild import abort
from scrypath_celery.rebuild.step import Turn, step
from scrypath_celery.work import EngineTask, Mode, Operation
from tests.rebuild.test_reindex import awaited, indexes, live
from tests.shop import Post, Shop

TYPES = ("documentAdditionOrUpdate", *MAKING)


def started(shop: Shop) -> Held:
    """A reindex that has asked for its target."""
    options = {"cutover": True, "keep_old": 0.0, "allow_failed": 0, "allow_shrink": False}
    asked = Asked(operation=Operation.REINDEX, mode=Mode.INLINE, options=options)
    held, _ = begin(shop.search.runtime, shop.search.schemas.of(Post), asked)
    assert held.phase is Phase.CREATE
    assert step(held) is Turn.MOVED
    return held


def shows(shop: Shop, monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    """The engine's list of the tasks that make a target shows them with these values."""
    listed = shop.search.runtime.engine.tasks_of

    def tasks_of(index: str, *, types: tuple[str, ...], page: int = 1_000) -> Iterator[EngineTask]:
        for task in listed(index, types=types, page=page):
            yield replace(task, **changed) if types == MAKING else task  # type: ignore[arg-type]

    monkeypatch.setattr(shop.search.runtime.engine, "tasks_of", tasks_of)


def test_documents_are_sent_while_the_engine_still_applies_settings(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        shows(filled, patch, status="processing")
        held = started(filled)
        while step(held) is Turn.MOVED:
            run_ready_works(filled.search.runtime, held.row.index_uid, seconds=0.0)
        run_ready_works(filled.search.runtime, held.row.index_uid, seconds=60.0, follow=True)
        assert step(held) is Turn.MOVED  # all is settled; and yet
        assert step(held) is Turn.WAITING
        assert (held.phase, held.row.target_created) == (Phase.FILL, None)
    tasks = list(filled.search.runtime.engine.tasks_of(held.target, types=TYPES))
    assert [task.type for task in tasks] == list(TYPES[:1] + TYPES[:0:-1])  # newest first
    held.release()
    done = filled.search.reindex(Post)
    assert (done.id, done.cut_over, done.filled) == (held.row.id, True, 20)
    assert filled.in_step()


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_what_the_engine_said_of_settings_is_the_error(
    filled: Shop, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with monkeypatch.context() as patch:
        error = {"code": "invalid_settings_embedders", "message": "no such model"}
        shows(filled, patch, status=status, error=error)
        patch.setattr(filled.search.runtime.engine, "settings", lambda index: {})
        with pytest.raises(EngineError, match=f"{status} with invalid_settings_embedders: no such model"):
            filled.search.reindex(Post)
    assert len(filled.documents()) == 20
    done = filled.search.reindex(Post)
    assert (done.cut_over, done.started_anew) == (True, None)
    assert indexes(filled) == [live(filled)]
    assert filled.in_step()


def test_settings_that_were_not_taken_are_named_and_applied_again(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(filled.search.runtime.engine, "apply", lambda index, settings: 0)
        with pytest.raises(EngineError, match="did not take these settings of Post as declared: "):
            filled.search.reindex(Post)
    done = filled.search.reindex(Post)
    assert (done.cut_over, done.filled) == (True, 20)
    assert filled.in_step()


def test_a_target_that_is_still_to_be_made_is_dropped_behind_that(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = started(filled)
    held.release()
    engine = filled.search.runtime.engine
    with monkeypatch.context() as patch:
        patch.setattr(engine, "index", lambda index: None)  # as an engine says that has not come to it yet
        assert abort(filled.search.runtime, filled.search.schemas.of(Post)).phase is Phase.ABORTED
    awaited(filled, engine.newest_task().uid)  # type: ignore[union-attr]
    assert indexes(filled) == [live(filled)]
