"""What OpenTelemetry is told of a change on its way into the index."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from scrypath_celery import tracing
from scrypath_celery.cli.work import lines
from scrypath_celery.convergence import in_flight
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.in_flight import InFlightClaim
from scrypath_celery.convergence.poll import poll
from scrypath_celery.convergence.summary import Summary
from scrypath_celery.errors import EngineUnreachable, LedgerError
from scrypath_celery.ledger import claims
from scrypath_celery.ledger.tables import work
from scrypath_celery.operator.work_detail import story
from scrypath_celery.work import ClaimState, Mode
from tests.blog import Blog, Page, Post
from tests.deadline import PATIENCE
from tests.spans import Spans, about, collected, id_of, linked, trace_of

CANARY = "canary-of-a-document"


def write(blog: Blog, *titles: str, mode: Mode = Mode.CELERY) -> None:
    """One commit for each title."""
    for title in titles:
        with blog.make() as session:
            session.add(post := Post(title=title))
            blog.capture.sync_record(post, session=session, sync_mode=mode)
            session.commit()


def run(blog: Blog, uid: str = "post") -> Summary:
    """What a worker's task does."""
    return run_ready_works(blog.runtime, uid, seconds=5.0)


def again_now(blog: Blog) -> None:
    """Let no work wait for its next try."""
    with blog.engine.begin() as connection:
        connection.execute(update(work).values(available_at=0.0))


def code(span: ReadableSpan) -> str | None:
    """The code by which a span failed."""
    assert (span.status.status_code is StatusCode.ERROR) == (span.status.description is not None)
    return span.status.description


def test_a_commit_is_captured_in_the_applications_own_trace(blog: Blog, spans: Spans) -> None:
    with spans.application.start_as_current_span("request") as request, blog.make() as session:
        posts = [Post(title="one"), Post(title="two")]
        session.add_all(posts)
        blog.capture.sync_records(posts, session=session)
        session.commit()
    capture = spans.one("scrypath.capture")
    assert capture.parent is not None
    assert capture.parent.span_id == request.get_span_context().span_id
    assert capture.kind is SpanKind.PRODUCER
    assert about(capture, "schema", "index", "operation", "mode") == ("Post", "post", "upsert", "celery")
    assert about(capture, "documents", "works") == (2, 1)


def test_a_claim_goes_from_its_claim_to_its_settlement(blog: Blog, spans: Spans) -> None:
    write(blog, "one")
    run(blog)
    claim = spans.one("scrypath.claim")
    assert spans.within(claim)[-4:] == ["scrypath.read", "scrypath.send", "scrypath.await", "scrypath.settle"]
    assert claim.kind is SpanKind.CONSUMER
    assert about(claim, "schema", "index", "operation", "mode") == ("Post", "post", "upsert", "celery")
    assert about(claim, "works", "documents", "attempt", "succeeded", "failed") == (1, 1, 1, 1, 0)
    assert code(claim) is None
    read, settle = spans.one("scrypath.read"), spans.one("scrypath.settle")
    assert (claim.start_time or 0) < (read.start_time or 0) <= (settle.end_time or 0) <= (claim.end_time or 0)


def test_one_claim_is_linked_to_every_commit_whose_works_it_holds(blog: Blog, spans: Spans) -> None:
    write(blog, "one", "two", "three")
    run(blog)
    claim, captures = spans.one("scrypath.claim"), spans.named("scrypath.capture")
    assert claim.parent is None
    assert len({trace_of(one) for one in (*captures, claim)}) == 4
    assert linked(claim) == [id_of(one) for one in captures]
    assert about(claim, "works", "succeeded") == (3, 3)


def test_works_of_one_commit_are_one_link(blog: Blog, spans: Spans) -> None:
    blog.option(claim_documents=5_000)
    with blog.make() as session:
        posts = [Post(title=str(number)) for number in range(1_500)]
        session.add_all(posts)
        blog.capture.sync_records(posts, session=session)
        session.commit()
    run(blog)
    assert about(spans.one("scrypath.claim"), "works") == (2,)
    assert linked(spans.one("scrypath.claim")) == [id_of(spans.one("scrypath.capture"))]


def test_links_of_a_claim_are_as_many_as_are_kept(blog: Blog, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MAX_LINKS", 2)
    write(blog, "one", "two", "three")
    run(blog)
    assert linked(spans.one("scrypath.claim")) == [id_of(one) for one in spans.named("scrypath.capture")[:2]]


def test_inline_works_are_claimed_within_the_request(blog: Blog, spans: Spans) -> None:
    with spans.application.start_as_current_span("request"):
        write(blog, "one", mode=Mode.INLINE)
    capture, claim, request = spans.one("scrypath.capture"), spans.one("scrypath.claim"), spans.one("request")
    assert spans.within(request) == ["scrypath.capture", "scrypath.claim"]
    assert linked(claim) == [id_of(capture)]
    assert trace_of(claim) == trace_of(request)


def test_inline_works_of_an_async_session_are_claimed_within_the_request(blog: Blog, spans: Spans) -> None:
    async def change() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        async with AsyncSession(engine) as session:
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session, sync_mode="inline")
            await session.commit()
            await result.wait(PATIENCE)
        await engine.dispose()

    with spans.application.start_as_current_span("request"):
        asyncio.run(change())
    assert spans.within(spans.one("request")) == ["scrypath.capture", "scrypath.claim"]


def test_the_detail_of_a_work_shows_the_trace_that_it_was_written_in(blog: Blog, spans: Spans) -> None:
    write(blog, "one")
    [shown] = [line for line in lines(story(blog.runtime, 1)) if "trace" in line]
    assert shown == f"  trace: {trace_of(spans.one('scrypath.capture')):032x}"


def test_the_detail_of_a_work_shows_no_trace_where_there_is_none(blog: Blog) -> None:
    write(blog, "one")
    assert "trace" not in "\n".join(lines(story(blog.runtime, 1)))


def test_a_call_without_a_session_is_captured_too(blog: Blog, spans: Spans) -> None:
    blog.capture.delete_document(Post, 7)
    capture = spans.one("scrypath.capture")
    assert about(capture, "schema", "operation", "documents", "works") == ("Post", "delete", 1, 1)
    run(blog)
    assert linked(spans.one("scrypath.claim")) == [id_of(capture)]
    assert about(spans.one("scrypath.send"), "deletion", "bytes") == (True, None)


def test_each_try_of_a_work_is_linked_to_its_commit(blog: Blog, spans: Spans) -> None:
    write(blog, "first")
    run(blog)
    blog.index.failing = 1.0
    write(blog, "second")
    run(blog)
    blog.index.failing = 0.0
    for _ in range(3):
        again_now(blog)
        run(blog)
    assert blog.states() == ["succeeded", "succeeded"]
    _, capture = spans.named("scrypath.capture")
    _, *tries = spans.named("scrypath.claim")
    assert len(tries) > 1
    assert all(linked(one) == [id_of(capture)] for one in tries)
    assert about(tries[0], "retrying", "succeeded") == (1, 0)
    assert code(tries[0]) is not None
    assert (about(tries[-1], "succeeded"), code(tries[-1])) == ((1,), None)


def test_a_dead_letter_is_an_error_with_its_code_alone(blog: Blog, spans: Spans) -> None:
    with blog.make() as session:
        session.add(page := Page(slug=f"{CANARY} is not an id"))
        blog.capture.sync_record(page, session=session)
        session.commit()
    run(blog, "page")
    claim = spans.one("scrypath.claim")
    assert code(claim) == "invalid_document_id"
    assert about(claim, "failed", "reason_class") == (1, "validation")
    assert CANARY not in spans.texts()


def test_a_pause_is_an_error_with_its_class(blog: Blog, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **how: Any) -> int:
        raise EngineUnreachable(CANARY, sent=False)

    monkeypatch.setattr(blog.index, "add", unreachable)
    write(blog, "one")
    run(blog)
    assert (code(spans.one("scrypath.send")), code(spans.one("scrypath.claim"))) == ("engine_unreachable", "transport")
    assert about(spans.one("scrypath.claim"), "given_back", "reason_class") == (1, "transport")
    assert CANARY not in spans.texts()


def test_an_error_that_ends_a_claim_ends_its_trace(blog: Blog, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise LedgerError(CANARY)

    monkeypatch.setattr("scrypath_celery.convergence.converge.settle", broken)
    write(blog, "one")
    with pytest.raises(LedgerError):
        run(blog)
    assert code(spans.one("scrypath.claim")) == "ledger"
    assert CANARY not in spans.texts()


def test_a_claim_that_is_let_go_says_so(blog: Blog, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    write(blog, "one")
    run(blog)
    monkeypatch.setattr(in_flight.Poll, "ask", stop)
    write(blog, "two")
    with pytest.raises(KeyboardInterrupt):
        run(blog)
    claim = spans.named("scrypath.claim")[-1]
    assert code(claim) == "released"
    assert spans.within(claim) == ["scrypath.read", "scrypath.send", "scrypath.await"]


def test_a_lost_claim_says_so_and_what_it_requeued_is_linked_to_it(
    blog: Blog, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, taken = InFlightClaim.advance, list[int]()

    def lose(self: InFlightClaim, answer: Any) -> None:
        if answer and self.run.sends and not taken:
            taken.append(1)
            with blog.engine.begin() as connection:
                claims.end(connection, self.run.claim.token, ClaimState.DONE)
            assert not self.renew()
            return
        advance(self, answer)

    monkeypatch.setattr(InFlightClaim, "advance", lose)
    write(blog, "one")
    run(blog)
    run(blog)
    first, second = spans.named("scrypath.claim")
    assert (code(first), about(first, "requeued")) == ("claim_lost", (1,))
    assert id_of(first) in linked(second)


def test_claims_under_way_together_keep_their_spans_apart(blog: Blog, spans: Spans) -> None:
    blog.option(claim_documents=1)
    write(blog, "one", "two", "three")
    run(blog)
    claimed = spans.named("scrypath.claim")
    assert len(claimed) == 3
    assert [linked(one) for one in claimed] == [[id_of(one)] for one in spans.named("scrypath.capture")]
    for one in claimed:
        assert spans.within(one)[-4:] == ["scrypath.read", "scrypath.send", "scrypath.await", "scrypath.settle"]


def test_works_that_end_submitted_are_settled_in_a_trace_of_their_own(blog: Blog, spans: Spans) -> None:
    write(blog, "one", mode=Mode.MANUAL)
    assert blog.states() == ["submitted"]
    assert about(spans.one("scrypath.claim"), "submitted", "succeeded") == (1, 0)
    poll(blog.runtime)
    assert blog.states() == ["succeeded"]
    settled = spans.named("scrypath.settle")[-1]
    assert settled.parent is None
    assert linked(settled) == [id_of(spans.one("scrypath.capture"))]
    poll(blog.runtime)
    assert spans.named("scrypath.settle")[-1] is settled


def test_what_does_not_name_a_span_is_no_link(blog: Blog, spans: Spans) -> None:
    write(blog, "one")
    with blog.engine.begin() as connection:
        connection.execute(update(work).values(traceparent="not a traceparent"))
    run(blog)
    assert linked(spans.one("scrypath.claim")) == []


def test_what_is_not_sampled_is_not_carried(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    with collected(monkeypatch, sampled=False) as spans:
        write(blog, "one")
        run(blog)
    assert spans.all() == []
    with blog.engine.connect() as connection:
        assert list(connection.scalars(select(work.c.traceparent))) == [None]


def test_a_traced_commit_runs_the_statements_of_one_that_is_not(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    write(blog, "one")
    del blog.statements[:]
    write(blog, "one")
    untraced = list(blog.statements)
    del blog.statements[:]
    with collected(monkeypatch):
        write(blog, "one")
    assert blog.statements == untraced


def test_nothing_private_is_told(blog: Blog, spans: Spans) -> None:
    blog.runtime = replace(blog.runtime, options=replace(blog.runtime.options, meilisearch_api_key=CANARY))
    write(blog, CANARY, mode=Mode.INLINE)
    blog.capture.delete_document(Post, CANARY, sync_mode="inline")
    assert blog.states() == ["succeeded", "succeeded"]
    assert spans.named("scrypath.claim")
    assert CANARY not in spans.texts()
