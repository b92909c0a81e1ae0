"""The trace of a claim: one span from its claim to its end, with a span of each wait for the engine in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from .. import tracing
from .checkpoints import Await, Phase, Step, Steps, Tasks
from .claim_run import ClaimRun
from .outcomes import Outcome


def traced(run: ClaimRun, steps: Steps) -> Steps:
    """The same steps in a span of their claim, which is linked to what its works were written in.

    The span is active only while a step is taken: several claims of one thread take turns.
    """
    span = tracing.begin(
        "claim",
        kind="consumer",
        links=(item.traceparent for item in run.claim.works),
        at=time.time_ns() - int(1e9 * run.seconds.get(Phase.CLAIM, 0.0)),
        schema=run.schema.name,
        index=run.index,
        operation=run.claim.works[0].operation.value,
        mode=run.claim.works[0].mode.value,
        works=len(run.claim.works),
        documents=len(run.claim.ids),
        attempt=max(item.attempts for item in run.claim.works) + 1,
    )
    return steps if span is tracing.NOTHING else _in_span(span, run, steps)


def _in_span(span: tracing.Span, run: ClaimRun, steps: Steps) -> Steps:
    take: Callable[[], Step | Await] = partial(next, steps)
    try:
        with closing(steps):
            while True:
                with span.active():
                    found = take()
                    wait = _wait(found)
                try:
                    answer: Tasks = yield found
                    take = partial(steps.send, answer)
                except Exception as exc:  # noqa: BLE001 - a wait whose lease is lost: the steps go on with that
                    take = partial(steps.throw, exc)
                finally:
                    wait.end()
    except StopIteration:
        _note(span, run)
    except GeneratorExit:
        span.fail("released")
        raise
    except Exception as exc:
        span.fail(tracing.code_of(exc))
        raise
    finally:
        span.end()


def _wait(found: Step | Await) -> tracing.Span:
    """The span of a wait for the engine; nothing of a step."""
    return tracing.begin("await", tasks=len(found.uids)) if isinstance(found, Await) else tracing.NOTHING


def _note(span: tracing.Span, run: ClaimRun) -> None:
    """Note how the claim ended: counts, and why something of it did not succeed."""
    outcome = run.outcome
    span.note(
        succeeded=len(outcome.succeeded),
        submitted=len(outcome.submitted),
        retrying=len(outcome.retrying),
        failed=len(outcome.failed),
        given_back=len(outcome.given_back),
        requeued=len(outcome.requeued),
    )
    reasons = [*outcome.failed.values(), *outcome.retrying.values(), *filter(None, [outcome.paused])]
    if reasons:
        span.note(reason_class=reasons[0].value)
        span.fail(_code(run) or reasons[0].value)
    elif outcome.lost:
        span.fail("claim_lost")


def _code(run: ClaimRun) -> str | None:
    """The code of the gravest failure of a document."""
    found = (run.documents.first(outcome) for outcome in (Outcome.PERMANENT, Outcome.RETRYABLE))
    return next((failure.code for failure in found if failure is not None and failure.code), None)
