"""Switching a mechanism off in a worker, to show that the others do not make up for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from scrypath_celery.convergence import converge, relay, settle
from scrypath_celery.ledger import claims
from scrypath_celery.worker import relay_step, tasks


def switch_off(mechanism: str) -> None:
    """Replace it in this process, for good."""
    MECHANISMS[mechanism]()


def _check() -> None:
    converge.check = lambda attempt: None


def _watch_and_report() -> None:
    def no_report(attempt: Any) -> Iterator[Any]:
        yield from ()

    converge._report = no_report
    relay.watch = lambda runtime: 0


def _watch_of_unanswered() -> None:
    def forget(connection: Any, token: str, **kwargs: Any) -> bool:
        return False

    settle.claims = SimpleNamespace(mark_unresolved=forget, end=claims.end)


def _relay() -> None:
    tasks.relay = lambda runtime: None
    relay_step.tick = lambda app, period: None


MECHANISMS: dict[str, Callable[[], None]] = {
    "check": _check,
    "watch and report": _watch_and_report,
    "watch of unanswered requests": _watch_of_unanswered,
    "relay": _relay,
}
