"""The shop as a worker process finds it that traces: each process of its pool writes spans to a file, one a line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_process_init
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tests.shop_app import app, shop
from tests.spans import FILE, INSTRUMENTED

__all__ = ["app", "shop"]


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def trace_here(**about: Any) -> None:
    """Set the provider of a process of the pool, as OpenTelemetry's docs have it."""
    provider = TracerProvider()
    out = Path(os.environ[FILE]).open("a", buffering=1)  # noqa: SIM115 - open as long as its process is there
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    if os.environ.get(INSTRUMENTED):
        CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
