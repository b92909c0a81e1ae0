"""What an application traces with fails: spans are lost, and no write, claim or search is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.ledger.tables import work
from scrypath_celery.work import State
from tests.blog import Blog, Post


class Broken(SpanProcessor):
    """Raises when a span begins, or when it ends."""

    def __init__(self, at: str) -> None:
        self._at = at

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self._at == "start":
            raise OSError("no room")

    def on_end(self, span: Any) -> None:
        if self._at == "end":
            raise OSError("no room")


class BrokenSampler(Sampler):
    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        raise OSError("no room")

    def get_description(self) -> str:
        return "broken"


def processing(at: str) -> Callable[[], TracerProvider]:
    def make() -> TracerProvider:
        provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
        provider.add_span_processor(Broken(at))
        return provider

    return make


def without_tracers() -> Any:
    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            raise OSError("no room")

    return Provider(shutdown_on_exit=False)


BROKEN: dict[str, Callable[[], Any]] = {
    "when a span begins": processing("start"),
    "when a span ends": processing("end"),
    "when it is sampled": lambda: TracerProvider(sampler=BrokenSampler(), shutdown_on_exit=False),
    "when a tracer is made": without_tracers,
}


@pytest.mark.parametrize("when", BROKEN)
def test_a_change_is_written_and_synced_without_its_spans(
    blog: Blog, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", BROKEN[when]())
    with blog.make() as session:
        session.add(post := Post(title="a"))
        blog.capture.sync_record(post, session=session)
        session.commit()
    run_ready_works(blog.runtime, "post", seconds=5.0)
    with blog.engine.connect() as connection:
        assert connection.execute(work.select()).one().state == State.SUCCEEDED.value
