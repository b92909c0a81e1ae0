"""The trace of a change goes on through its fan-outs."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from sqlalchemy.orm import Session

from scrypath_celery.convergence.executor import run_ready_works
from tests.related.library import Author, Library
from tests.spans import Spans, about, id_of, linked

CANARY = "canary-of-an-author"


def rename(library: Library) -> None:
    with library.make() as session:
        author = session.get_one(Author, 1)
        author.name = CANARY
        library.capture.sync_related(author, session=session)
        session.commit()


def test_what_a_fan_out_writes_is_linked_to_it_and_it_to_its_commit(library: Library, spans: Spans) -> None:
    rename(library)
    run_ready_works(library.runtime, "book", seconds=5.0)
    capture, fan_out = spans.named("scrypath.capture")[-1], spans.one("scrypath.fan_out")
    claim = spans.named("scrypath.claim")[-1]
    assert about(capture, "operation", "schema") == ("fan_out", "Book")
    assert about(fan_out, "fan_out", "schema", "index") == ("Author.books", "Book", "book")
    assert linked(fan_out) == [id_of(capture)]
    assert linked(claim) == [id_of(fan_out)]
    assert about(claim, "documents") == (3,)
    assert CANARY not in spans.texts()


def test_a_fan_out_that_fails_says_why_by_its_class(
    library: Library, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: Session, *args: Any) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("scrypath_celery.convergence.fan_out.related_page", broken)
    rename(library)
    run_ready_works(library.runtime, "book", seconds=5.0)
    status = spans.named("scrypath.fan_out")[0].status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "source")
    assert CANARY not in spans.texts()
