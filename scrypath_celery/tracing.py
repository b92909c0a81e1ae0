"""Spans of OpenTelemetry, where the application traces.

Who traces has imported OpenTelemetry's API and set a provider; where nobody did, a span costs one look at what is
imported. Spans hold names, counts and codes: no key, no document, no query, and no words of an error. What the
application traces with may fail: then a span is lost, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from .errors import ScrypathError
from .logs import log

if TYPE_CHECKING:
    from opentelemetry.trace import Span as ApiSpan
    from opentelemetry.trace import SpanContext, Tracer, TracerProvider

    Kind = Literal["internal", "producer", "consumer", "client"]
    Value = str | int | float | bool | Sequence[str] | None

SCOPE = "scrypath_celery"
"""The instrumentation scope of all spans."""
MAX_LINKS = 128
"""The most links of one span: what the SDK keeps by default."""

_API = "opentelemetry.trace"
_MESSAGE: ContextVar[str | None] = ContextVar("scrypath_message_traceparent", default=None)


class Span:
    """A span, or nothing where nothing is traced: it takes what it is told and keeps none of it."""

    __slots__ = ("_span",)

    def __init__(self, span: ApiSpan | None) -> None:
        self._span = span

    def note(self, **attributes: Value) -> None:
        """Note these attributes, under `scrypath.`; one that is None is left out."""
        if self._span is not None:
            with _bearing():
                for name, value in _ours(attributes).items():
                    if value is not None:
                        self._span.set_attribute(name, value)

    def fail(self, code: str) -> None:
        """Say, by a stable code, that what it stands for failed."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            with _bearing():
                self._span.set_status(Status(StatusCode.ERROR, code))
                self._span.set_attribute("error.type", code)

    def answered(self, status: int) -> None:
        """Note the status of the answer to the request that it stands for."""
        if self._span is not None:
            with _bearing():
                self._span.set_attribute("http.response.status_code", status)
            if status >= 400:
                self.fail(str(status))

    def end(self) -> None:
        """End it, where it was made by `begin`."""
        if self._span is not None:
            with _bearing():
                self._span.end()

    def active(self) -> AbstractContextManager[None]:
        """A context whose spans are within this one, which goes on after it."""
        return nullcontext() if self._span is None else _active(self._span)


NOTHING = Span(None)
"""What stands for a span where nothing is traced."""
_NO_SPAN = nullcontext(NOTHING)


def span(
    name: str,
    *,
    kind: Kind = "internal",
    links: Iterable[str | None] = (),
    about: Callable[[], Mapping[str, Value]] | None = None,
    **attributes: Value,
) -> AbstractContextManager[Span]:
    """A span of what happens in the context; an error that leaves it is told by its code alone.

    `about` gives more attributes, and is asked only where something is traced.
    """
    tracer = _tracer()
    if tracer is None:
        return _NO_SPAN
    told = {} if about is None else about()
    return _in_span(_begun(tracer, f"scrypath.{name}", kind, _ours({**attributes, **told}), links))


def begin(
    name: str,
    *,
    kind: Kind = "internal",
    links: Iterable[str | None] = (),
    at: int | None = None,
    **attributes: Value,
) -> Span:
    """A span that is ended by hand and is not active meanwhile; `at` is when it began (nanoseconds since the epoch)."""
    tracer = _tracer()
    return NOTHING if tracer is None else _begun(tracer, f"scrypath.{name}", kind, _ours(attributes), links, at)


def request(method: str, url: str) -> AbstractContextManager[Span]:
    """A span of a request to the engine, within another one: the polls of idle workers make no traces."""
    tracer = _tracer()
    if tracer is None:
        return _NO_SPAN
    from opentelemetry import trace

    if not trace.get_current_span().is_recording():
        return _NO_SPAN
    parts = urlsplit(url)
    path = _template(parts.path)
    attributes: dict[str, Value] = {
        "http.request.method": method.upper(),
        "url.template": path,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }
    return _in_span(_begun(tracer, f"{method.upper()} {path}", "client", attributes))


def traceparent() -> str | None:
    """What names the present span in a row or a message (W3C Trace Context); None where none is recorded."""
    if _API not in sys.modules:
        return None
    trace = _api()
    present = trace.get_current_span()
    if present is trace.INVALID_SPAN:  # nearly always
        return None
    context = present.get_span_context()
    if not (context.is_valid and context.trace_flags.sampled):
        return None
    flags = format(context.trace_flags, "02x")
    return f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-{flags}"


def headers() -> dict[str, str] | None:
    """The headers by which a message names the present span; None where none is recorded."""
    carried = traceparent()
    return None if carried is None else {"traceparent": carried}


@contextmanager
def of_message(traceparent: object) -> Iterator[None]:
    """A context of the task that a message started: spans in it that have no parent are linked to what it names."""
    token = _MESSAGE.set(traceparent if isinstance(traceparent, str) else None)
    try:
        yield
    finally:
        _MESSAGE.reset(token)


def code_of(exc: Exception) -> str:
    """The stable code of an error; the name of its class where it has none."""
    return exc.code if isinstance(exc, ScrypathError) else type(exc).__name__


def _tracer() -> Tracer | None:
    """The tracer of the application's provider; None where it has none."""
    if _API not in sys.modules:
        return None
    trace = _api()
    try:
        provider = trace.get_tracer_provider()
        return None if isinstance(provider, trace.ProxyTracerProvider) else _tracer_of(provider)
    except Exception as exc:  # noqa: BLE001 - see `_bearing`
        log("span_not_kept", error=type(exc).__name__)
        return None


@cache
def _api() -> Any:
    """OpenTelemetry's API, once it is imported; waits where another thread is importing it."""
    from opentelemetry import trace

    return trace


@lru_cache(maxsize=2)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer(SCOPE)


def _ours(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"scrypath.{name}": value for name, value in attributes.items()}


def _begun(
    tracer: Tracer,
    name: str,
    kind: Kind,
    attributes: Mapping[str, Value],
    links: Iterable[str | None] = (),
    at: int | None = None,
) -> Span:
    from opentelemetry import trace

    message = None if trace.get_current_span().get_span_context().is_valid else _MESSAGE.get()
    try:
        return Span(
            tracer.start_span(
                name,
                kind=trace.SpanKind[kind.upper()],
                attributes={key: value for key, value in attributes.items() if value is not None},
                links=[trace.Link(context) for context in _contexts([message, *links])],
                start_time=at,
            )
        )
    except Exception as exc:  # noqa: BLE001 - see `_bearing`
        log("span_not_kept", error=type(exc).__name__)
        return NOTHING


@contextmanager
def _bearing() -> Iterator[None]:
    """Bear whatever the application's sampler, span processor or provider raises."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - the work itself goes on
        log("span_not_kept", error=type(exc).__name__)


@contextmanager
def _in_span(made: Span) -> Iterator[Span]:
    try:
        with made.active():
            yield made
    except Exception as exc:
        made.fail(code_of(exc))
        raise
    finally:
        made.end()


@contextmanager
def _active(inner: ApiSpan) -> Iterator[None]:
    from opentelemetry import trace

    with trace.use_span(inner, record_exception=False, set_status_on_exception=False):
        yield


def _contexts(traceparents: Iterable[str | None]) -> list[SpanContext]:
    """The spans that these name, each once; what names none is left out."""
    named = list(dict.fromkeys(filter(None, traceparents)))[:MAX_LINKS]
    if not named:
        return []
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    read = TraceContextTextMapPropagator().extract
    found = [trace.get_current_span(read({"traceparent": one})).get_span_context() for one in named]
    return [context for context in found if context.is_valid]


def _template(path: str) -> str:
    """A path with `{index}` in place of an index."""
    head, found, rest = path.partition("/indexes/")
    return f"{head}/indexes/{{index}}{''.join(rest.partition('/')[1:])}" if found else path
