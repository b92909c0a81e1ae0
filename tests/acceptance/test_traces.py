"""Traces from commits to the claims of a real worker, with Celery's own instrumentation and without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.celery import CeleryInstrumentor

from tests.deadline import eventually
from tests.shop import Shop
from tests.spans import FILE, INSTRUMENTED, Spans, id_of, trace_of
from tests.worker import Worker

CANARY = "canary-of-a-document"
PUBLISHED_ONCE = {"publish_grace": 600.0}
"""However long a worker takes to start, the relay leaves the publication to this process."""


class Written:
    """The spans that the processes of a worker wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def named(self, name: str) -> list[dict[str, Any]]:
        """Those of one name."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [span for span in map(json.loads, lines) if span["name"] == name]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """What the worker of this test writes."""
    return Written(tmp_path / "spans.jsonl")


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[None]:
    """Celery's own instrumentation, in this process."""
    instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=spans.provider)
    yield
    instrumentor.uninstrument()


def ids(spans: list[Any]) -> set[str]:
    """The ids of the spans of this process as they are written."""
    return {f"0x{id_of(one):016x}" for one in spans}


def links(span: dict[str, Any]) -> set[str]:
    """The ids of the spans that a written one is linked to."""
    return {link["context"]["span_id"] for link in span["links"]}


@pytest.fixture
def claimed(
    redis_url: str,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_worker: Callable[..., Worker],
    spans: Spans,
    written: Written,
) -> Iterator[Callable[..., dict[str, Any]]]:
    """The claim, as its worker wrote it, of the works of two commits; the worker starts after these, with `env`."""

    def run(**env: str) -> dict[str, Any]:
        shop = open_shop(broker=redis_url, database=sqlite_url, options=PUBLISHED_ONCE)
        shop.add(1, title=CANARY)
        shop.add(2, title=CANARY)
        assert shop.search._publisher.flush(10.0)
        start_worker("tests.traced_shop_app", env={**shop.setup.env(), FILE: str(written.path), **env})
        eventually(shop.in_step, what="both are searchable")
        [claim] = eventually(lambda: written.named("scrypath.claim"), what="the claim has ended")
        return claim

    yield run
    assert CANARY not in written.path.read_text() + spans.texts()


def test_a_claim_is_linked_to_the_commits_and_to_its_message(
    claimed: Callable[..., dict[str, Any]], spans: Spans
) -> None:
    claim = claimed()
    assert claim["parent_id"] is None
    captures, messages = spans.named("scrypath.capture"), spans.named("scrypath.publish")
    assert ids(captures) < links(claim)
    [message] = links(claim) - ids(captures)
    assert message in ids(messages)


@pytest.mark.usefixtures("instrumented")
def test_with_celerys_own_instrumentation_spans_nest_and_none_is_there_twice(
    claimed: Callable[..., dict[str, Any]], spans: Spans, written: Written
) -> None:
    claim = claimed(**{INSTRUMENTED: "1"})

    def its_task() -> list[dict[str, Any]]:
        # Of the two messages' tasks the one that found nothing to do may end first.
        runs = written.named("run/scrypath.sync")
        return [one for one in runs if one["context"]["span_id"] == claim["parent_id"]]

    [task] = eventually(its_task, what="its task has ended")
    assert links(claim) == ids(spans.named("scrypath.capture"))
    messages, sent = spans.named("scrypath.publish"), spans.named("apply_async/scrypath.sync")
    assert task["parent_id"] in ids(sent)
    assert [one.parent.span_id for one in sent if one.parent] == [id_of(one) for one in messages]
    assert task["context"]["trace_id"] in {f"0x{trace_of(one):032x}" for one in messages}
