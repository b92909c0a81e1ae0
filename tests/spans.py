"""The spans that a test's own provider of OpenTelemetry was told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanContext

FILE, INSTRUMENTED = "TRACES_FILE", "TRACES_INSTRUMENTED"
"""The variables by which a worker learns where to write its spans, and that Celery's own instrumentation is active."""


class Spans:
    """What was exported, in the order in which it ended; `provider` is the application's."""

    def __init__(self, *, sampled: bool = True) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON if sampled else ALWAYS_OFF), shutdown_on_exit=False
        )
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.application = self.provider.get_tracer("application")

    def all(self) -> list[ReadableSpan]:
        """All of them."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of one name, in the order in which they began."""
        found = [one for one in self.all() if one.name == name]
        return sorted(found, key=lambda one: one.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        """The only one of a name."""
        [found] = self.named(name)
        return found

    def within(self, parent: ReadableSpan) -> list[str]:
        """The names of the spans whose parent this is, in the order in which they began."""
        found = [one for one in self.all() if one.parent and one.parent.span_id == id_of(parent)]
        return [one.name for one in sorted(found, key=lambda one: one.start_time or 0)]

    def texts(self) -> str:
        """All that they say."""
        return "\n".join(one.to_json() for one in self.all())


def context_of(span: ReadableSpan) -> SpanContext:
    """The ids of a span and of its trace."""
    found = span.get_span_context()
    assert found is not None
    return found


def id_of(span: ReadableSpan) -> int:
    """The id of a span."""
    return context_of(span).span_id


def trace_of(span: ReadableSpan) -> int:
    """The id of the trace that a span is in."""
    return context_of(span).trace_id


def linked(span: ReadableSpan) -> list[int]:
    """The ids of the spans that a span is linked to."""
    return [link.context.span_id for link in span.links]


def about(span: ReadableSpan, *names: str) -> tuple[object, ...]:
    """These attributes of ours of a span; None for one that it has not."""
    return tuple((span.attributes or {}).get(f"scrypath.{name}") for name in names)


@contextmanager
def collected(monkeypatch: pytest.MonkeyPatch, *, sampled: bool = True) -> Iterator[Spans]:
    """Within this context the application has a provider; the API lets nobody set one twice in a process."""
    spans = Spans(sampled=sampled)
    with monkeypatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", spans.provider)
        yield spans
    spans.provider.shutdown()
